// gRPC by Debian's library for Go (golang-google-grpc-dev), without protobuf:
// messages are bytes.
//
//	grpc server ADDRESS:PORT CERT KEY
//	grpc client HOST:PORT CA
//
// The client asks for every kind of call, some at once, and prints "all good",
// or what failed. The server's methods are those of grpc_peer.py.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const most = 1 << 30

func die(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

type raw struct{} // a codec

func (raw) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte{}, b...)
	return nil
}
func (raw) Name() string   { return "proto" }
func (raw) String() string { return "proto" }

var cancelled = make(chan bool, 100)

// --- the server

func take(s grpc.Stream) ([]byte, error) {
	var m []byte
	err := s.RecvMsg(&m)
	return m, err
}

func give(s grpc.Stream, m []byte) error { return s.SendMsg(&m) }

func unary(s grpc.ServerStream, m []byte) error {
	md, _ := metadata.FromIncomingContext(s.Context())
	s.SendHeader(metadata.Pairs("x-initial", "one"))
	s.SetTrailer(metadata.Pairs("x-final", "two", "x-raw-bin", "\x00\x01\xff"))
	return give(s, append(m, strings.Join(md.Get("x-more"), "")...))
}

func down(s grpc.ServerStream, m []byte) error {
	n, _ := strconv.Atoi(string(m))
	for i := 0; i < n; i++ {
		if err := give(s, bytes.Repeat([]byte(strconv.Itoa(i)), i+1)); err != nil {
			return err
		}
	}
	return nil
}

func up(s grpc.ServerStream, m []byte) error {
	n := len(m)
	for {
		m, err := take(s)
		if err == io.EOF {
			return give(s, []byte(strconv.Itoa(n)))
		} else if err != nil {
			return err
		}
		n += len(m)
	}
}

func reverse(m []byte) []byte {
	out := make([]byte, len(m))
	for i := range m {
		out[len(m)-1-i] = m[i]
	}
	return out
}

func both(s grpc.ServerStream, m []byte) error {
	for {
		if err := give(s, reverse(m)); err != nil {
			return err
		}
		var err error
		if m, err = take(s); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func fail(s grpc.ServerStream, m []byte) error {
	s.SetTrailer(metadata.Pairs("x-why", "asked to"))
	return status.Error(codes.FailedPrecondition, "no: äää")
}

func forever(s grpc.ServerStream, m []byte) error {
	give(s, []byte("first"))
	<-s.Context().Done()
	cancelled <- true
	return status.FromContextError(s.Context().Err()).Err()
}

func was(s grpc.ServerStream, m []byte) error {
	select {
	case <-cancelled:
		return give(s, []byte("yes"))
	case <-time.After(30 * time.Second):
		return give(s, []byte("no"))
	}
}

var methods = map[string]func(grpc.ServerStream, []byte) error{
	"/t/Unary": unary, "/t/Down": down, "/t/Up": up, "/t/Both": both,
	"/t/Fail": fail, "/t/Forever": forever, "/t/Was": was}

func call(_ interface{}, s grpc.ServerStream) error {
	name, _ := grpc.MethodFromServerStream(s)
	method := methods[name]
	if method == nil {
		return status.Error(codes.Unimplemented, "no such method")
	}
	m, err := take(s)
	if err != nil {
		return err
	}
	return method(s, m)
}

func server(where, cert, key string) {
	tls, err := credentials.NewServerTLSFromFile(cert, key)
	die(err)
	l, err := net.Listen("tcp", where)
	die(err)
	die(grpc.NewServer(grpc.Creds(tls), grpc.CustomCodec(raw{}),
		grpc.MaxRecvMsgSize(most), grpc.UnknownServiceHandler(call)).Serve(l))
}

// --- the client

var kind = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

// All answers to all messages, which go at once; and how it ended.
func ask(c *grpc.ClientConn, ctx context.Context, method string,
	messages ...[]byte) (got [][]byte, s grpc.ClientStream, err error) {
	if s, err = c.NewStream(ctx, kind, "/t/"+method); err != nil {
		return
	}
	go func() {
		for _, m := range messages {
			if give(s, m) != nil {
				return
			}
		}
		s.CloseSend()
	}()
	for {
		m, e := take(s)
		if e == io.EOF {
			return
		} else if e != nil {
			return got, s, e
		}
		got = append(got, m)
	}
}

func same(what string, err error, got [][]byte, want ...[]byte) error {
	if err != nil {
		return fmt.Errorf("%s: %v", what, err)
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d messages, not %d", what, len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			return fmt.Errorf("%s: message %d differs", what, i)
		}
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func metadataOf(c *grpc.ClientConn, ctx context.Context) error {
	got, s, err := ask(c, metadata.AppendToOutgoingContext(ctx, "x-more", "!"),
		"Unary", []byte("hello"))
	if err := same("unary", err, got, []byte("hello!")); err != nil {
		return err
	}
	head, _ := s.Header()
	end := s.Trailer()
	if fmt.Sprint(head["x-initial"], end["x-final"], end["x-raw-bin"]) !=
		fmt.Sprint([]string{"one"}, []string{"two"}, []string{"\x00\x01\xff"}) {
		return fmt.Errorf("metadata: %q %q", head, end)
	}
	return nil
}

func calls(c *grpc.ClientConn, ctx context.Context) error {
	if err := metadataOf(c, ctx); err != nil {
		return err
	}
	big := random(2000000)
	got, _, err := ask(c, ctx, "Unary", big)
	if err := same("large", err, got, big); err != nil {
		return err
	}
	var want, many [][]byte
	for i := 0; i < 200; i++ {
		want = append(want, bytes.Repeat([]byte(strconv.Itoa(i)), i+1))
	}
	got, _, err = ask(c, ctx, "Down", []byte("200"))
	if err := same("down", err, got, want...); err != nil {
		return err
	}
	n := 0
	for _, m := range want {
		n += len(m)
	}
	got, _, err = ask(c, ctx, "Up", want...)
	if err := same("up", err, got, []byte(strconv.Itoa(n))); err != nil {
		return err
	}
	want = nil
	for i := 0; i < 100; i++ {
		many = append(many, random(i*37))
		want = append(want, reverse(many[i]))
	}
	got, _, err = ask(c, ctx, "Both", many...)
	return same("both", err, got, want...)
}

func ended(what string, err error, code codes.Code) error {
	if status.Code(err) != code {
		return fmt.Errorf("%s: %v, not %v", what, err, code)
	}
	return nil
}

func isOver(c *grpc.ClientConn, ctx context.Context) error {
	got, _, err := ask(c, ctx, "Was", nil)
	return same("its end at the server", err, got, []byte("yes"))
}

func failures(c *grpc.ClientConn, ctx context.Context) error {
	_, s, err := ask(c, ctx, "Fail", nil)
	if err := ended("fail", err, codes.FailedPrecondition); err != nil {
		return err
	}
	if why := s.Trailer()["x-why"]; status.Convert(err).Message() !=
		"no: äää" || len(why) != 1 || why[0] != "asked to" {
		return fmt.Errorf("fail: %v, %q", err, s.Trailer())
	}
	_, _, err = ask(c, ctx, "Nothing", nil)
	if err := ended("nothing", err, codes.Unimplemented); err != nil {
		return err
	}
	soon, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	_, _, err = ask(c, soon, "Forever", nil)
	if err := ended("deadline", err, codes.DeadlineExceeded); err != nil {
		return err
	}
	if err := isOver(c, ctx); err != nil {
		return err
	}
	some, cancel := context.WithCancel(ctx)
	s, err = c.NewStream(some, kind, "/t/Forever")
	if err != nil {
		return err
	}
	give(s, nil)
	s.CloseSend()
	m, err := take(s)
	if err := same("forever", err, [][]byte{m}, []byte("first")); err != nil {
		return err
	}
	cancel()
	_, err = take(s)
	if err := ended("cancelled", err, codes.Canceled); err != nil {
		return err
	}
	return isOver(c, ctx)
}

func client(where, ca string) {
	tls, err := credentials.NewClientTLSFromFile(ca, "")
	die(err)
	c, err := grpc.Dial(where, grpc.WithTransportCredentials(tls),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}),
			grpc.MaxCallRecvMsgSize(most)))
	die(err)
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	die(calls(c, ctx))
	die(failures(c, ctx))
	var all sync.WaitGroup
	for i := 0; i < 10; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			die(calls(c, ctx))
		}()
	}
	all.Wait()
	fmt.Println("all good")
}

func main() {
	switch a := os.Args; a[1] {
	case "server":
		server(a[2], a[3], a[4])
	case "client":
		client(a[2], a[3])
	}
}
