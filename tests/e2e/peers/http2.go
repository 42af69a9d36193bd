// HTTP/2 by Go's standard library, a server and a client:
//
//	http2 server ADDRESS:PORT CERT KEY
//	http2 client URL CA
//
// The server echoes what it is sent as it comes, with a trailer that sums it
// up. The client sends 100 requests at once on one connection, compares what
// comes, and prints "all good", or what failed.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

const streams = 100

func die(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 {
		http.Error(w, "not HTTP/2", http.StatusHTTPVersionNotSupported)
		return
	}
	w.Header().Set("Trailer", "X-Sum")
	w.Header().Set("X-Asked", r.Trailer.Get("X-None")+r.URL.RawQuery)
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Sum", fmt.Sprintf("%x %s", sum.Sum(nil),
		r.Trailer.Get("X-Last")))
}

func server(where, cert, key string) {
	die(http.ListenAndServeTLS(where, cert, key, http.HandlerFunc(echo)))
}

// One request with a body of n bytes and a trailer, and its answer.
func ask(c *http.Client, url string, n int, conns *int32) error {
	body := make([]byte, n)
	rand.Read(body)
	r, err := http.NewRequest("POST", fmt.Sprintf("%s?n=%d", url, n),
		io.MultiReader(bytes.NewReader(body)))
	if err != nil {
		return err
	}
	r.Trailer = http.Header{"X-Last": {"word"}}
	r = r.WithContext(httptrace.WithClientTrace(r.Context(),
		&httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if !i.Reused {
				atomic.AddInt32(conns, 1)
			}
		}}))
	a, err := c.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	got, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%x word", sha256.Sum256(body))
	switch {
	case a.StatusCode != 200 || a.ProtoMajor != 2:
		return fmt.Errorf("%d bytes: %s %s", n, a.Proto, a.Status)
	case !bytes.Equal(got, body):
		return fmt.Errorf("%d bytes: %d others came", n, len(got))
	case a.Trailer.Get("X-Sum") != want:
		return fmt.Errorf("%d bytes: trailer %q", n, a.Trailer)
	case a.Header.Get("X-Asked") != fmt.Sprintf("n=%d", n):
		return fmt.Errorf("%d bytes: head %q", n, a.Header)
	}
	return nil
}

func client(url, ca string) {
	pem, err := os.ReadFile(ca)
	die(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: roots}}}
	var conns int32
	die(ask(c, url, 1, &conns)) // one connection, for all
	var all sync.WaitGroup
	failed := make(chan string, streams)
	for i := 0; i < streams; i++ {
		all.Add(1)
		go func(n int) {
			defer all.Done()
			if err := ask(c, url, n, &conns); err != nil {
				failed <- err.Error()
			}
		}(i * 1777)
	}
	all.Wait()
	close(failed)
	var errs []string
	for x := range failed {
		errs = append(errs, x)
	}
	if len(errs) > 0 {
		die(fmt.Errorf("%s", strings.Join(errs, "\n")))
	}
	fmt.Printf("all good, connections: %d\n", conns)
}

func main() {
	switch a := os.Args; a[1] {
	case "server":
		server(a[2], a[3], a[4])
	case "client":
		client(a[2], a[3])
	}
}
