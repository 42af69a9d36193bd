#!/bin/sh
# `clearspan transparent` and the recipes of contrib/, in namespaces: a
# client, a gateway between, a server. As root. Usage: transparent.sh BINARY
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
bin=$(readlink -f "${1:-$top/build/clearspan}")
c=cst-c-$$ g=cst-g-$$ s=cst-s-$$
pids= bad=0
[ "$(id -u)" = 0 ] || { echo "needs root: passed over"; exit 0; }

finish() {
	kill $pids 2>/dev/null
	for n in $c $g $s; do ip netns del $n 2>/dev/null; done
	exit $bad
}
trap finish EXIT INT TERM

in_() { n=$1; shift; ip netns exec "$n" "$@"; }
py() { n=$1; shift; in_ "$n" timeout 20 python3 "$here/gateway.py" "$@"; }
is() {	# NAME WANTED GOT
	[ "$2" = "$3" ] && return
	echo "FAIL $1: wanted \"$2\", got \"$3\"" >&2
	bad=1
}
direct() {
	is "$1, IPv4" "hello 10.1.0.2" "$(py $c ask 10.2.0.2 443)"
	is "$1, IPv6" "hello fd01::2" "$(py $c ask fd02::2 443)"
}
relayed() {
	is "$1, IPv4" "relayed to 10.2.0.2: hello 10.1.0.2" \
	    "$(py $c ask 10.2.0.2 443)"
	is "$1, IPv6" "relayed to fd02::2: hello fd01::2" \
	    "$(py $c ask fd02::2 443)"
}

redirected() {
	is "$1, IPv4" "relayed to 10.2.0.2: hello 10.2.0.1" \
	    "$(py $c ask 10.2.0.2 443)"
	is "$1, IPv6" "relayed to fd02::2: hello fd02::1" \
	    "$(py $c ask fd02::2 443)"
}

until_() {	# COMMAND ...: true, within 20 s: it hangs, otherwise
	for i in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.2
	done
	echo "FAIL waited in vain for: $*" >&2
	bad=1
}
signals_taken() { ! grep -q 'Pnd:.*[1-9a-f]' /proc/$1/status; }
table_is_there() { in_ $g nft list table inet clearspan; }

for n in $c $g $s; do ip netns add $n; in_ $n ip link set lo up; done
ip link add lan netns $g type veth peer name eth0 netns $c
ip link add wan netns $g type veth peer name eth0 netns $s
at() {
	case $3 in *:*) set -- "$@" nodad ;; esac
	in_ $1 ip addr add $3 dev $2 ${4-}; in_ $1 ip link set $2 up
}
at $c eth0 10.1.0.2/24; at $c eth0 fd01::2/64
at $s eth0 10.2.0.2/24; at $s eth0 fd02::2/64
at $g lan 10.1.0.1/24; at $g lan fd01::1/64
at $g wan 10.2.0.1/24; at $g wan fd02::1/64
in_ $c ip route add default via 10.1.0.1; in_ $c ip route add default via fd01::1
in_ $s ip route add default via 10.2.0.1; in_ $s ip route add default via fd02::1
in_ $g sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'

ip netns exec $s python3 "$here/gateway.py" serve 443 & pids="$pids $!"
ip netns exec $g python3 "$here/gateway.py" relay 8443 & pids="$pids $!"
until_ in_ $s sh -c 'ss -Hltn sport = :443 | grep -q .'
until_ in_ $g sh -c 'ss -Hltn sport = :8443 | grep -q .'

direct "before"

in_ $g "$bin" transparent up --in lan --wait 15 </dev/null >/dev/null & up=$!
until_ table_is_there
relayed "up"
is "while one waits another cannot" 1 "$(in_ $g "$bin" transparent up \
    --in lan </dev/null >/dev/null 2>&1; echo $?)"
wait $up
is "not confirmed" 1 $?
direct "taken back by itself"

in_ $g "$bin" transparent up --in lan --wait 60 </dev/null >/dev/null & up=$!
until_ table_is_there
in_ $g "$bin" transparent confirm
is "confirm" 0 $?
wait $up
is "confirmed" 0 $?
relayed "confirmed"

was=$(in_ $g nft list table inet clearspan)
ip netns exec $g "$bin" transparent up --in lan --ports 444 --wait 60 \
    </dev/null >/dev/null & up=$!
until_ in_ $g sh -c 'nft list table inet clearspan | grep -q 444'
kill -USR1 $up; kill -USR2 $up		# a daemon's log is rotated by name
until_ signals_taken $up
is "USR1 is not for it" 444 "$(in_ $g nft list table inet clearspan |
    grep -o 444 | sort -u; kill -0 $up || echo gone)"
kill -TERM $up
wait $up
is "another, not confirmed" "$was" "$(in_ $g nft list table inet clearspan)"
relayed "what had been kept holds again"
d=$(mktemp -d)
cat >"$d/nft" <<-END
	#!/bin/sh
	[ "\$1" = -f ] || exec $(command -v nft) "\$@"
	rules=\$(cat)
	case \$rules in *444*) exit 1 ;; esac
	echo "\$rules" | $(command -v nft) "\$@"
END
chmod 755 "$d/nft"
is "nft says no" 1 "$(PATH=$d:$PATH in_ $g "$bin" transparent up \
    --confirm --in lan --ports 444 >/dev/null 2>&1; echo $?)"
rm -r "$d"
is "nft said no" "$was" "$(in_ $g nft list table inet clearspan)"
relayed "what had been kept is not harmed by an nft that fails"
in_ $g "$bin" transparent down

ip netns exec $g "$bin" transparent up --in lan --wait 60 </dev/null \
    >/dev/null & up=$!
until_ table_is_there
kill -HUP $up 2>/dev/null
wait $up
direct "its terminal went away"

in_ $g "$bin" transparent up --confirm --in lan --ports all --block-quic
in_ $g "$bin" transparent up --confirm --in lan --ports 1-500 --block-quic
is "twice" 1 "$(in_ $g ip rule | grep -c 0x4353)"
relayed "twice"
is "QUIC" refused "$(py $c udp 10.2.0.2 443)"
is "QUIC over IPv6" refused "$(py $c udp fd02::2 443)"
is "the gateway itself is left alone" "" \
    "$(py $c ask 10.1.0.1 443 | grep -v refused)"
in_ $g "$bin" transparent down
in_ $g "$bin" transparent down
is "down leaves nothing" "" "$(in_ $g nft list ruleset; in_ $g ip rule |
    grep 0x4353; in_ $g ip -6 rule | grep 0x4353)"
direct "down"

in_ $g "$bin" transparent print --in lan | in_ $g sh
relayed "printed"
is "QUIC by default" refused "$(py $c udp 10.2.0.2 443)"
is "QUIC over IPv6 by default" refused "$(py $c udp fd02::2 443)"
is "other UDP is left alone" hello "$(py $c udp 10.2.0.2 25)"
in_ $g "$bin" transparent up --confirm --in lan --ports 25,400-500
is "QUIC in a range" refused "$(py $c udp 10.2.0.2 443)"
in_ $g "$bin" transparent up --confirm --in lan --ports 25
is "QUIC where TCP passes" hello "$(py $c udp 10.2.0.2 443)"
in_ $g "$bin" transparent up --confirm --in lan --ports 25,443 --block-quic
is "UDP to the same ports" refused "$(py $c udp 10.2.0.2 25)"
in_ $g "$bin" transparent up --confirm --in lan --pass-quic
is "QUIC, let pass" hello "$(py $c udp 10.2.0.2 443)"
in_ $g "$bin" transparent down

for f in "$top"/contrib/nftables/tproxy.nft "$top"/contrib/nftables/redirect.nft
do
	[ -e "$f" ] || continue
	sed "s/^define lan = .*/define lan = lan/" "$f" | in_ $g nft -f -
	if [ "${f##*/}" = tproxy.nft ]; then
		for v in -4 -6; do
			in_ $g ip $v rule add fwmark 0x4353 lookup 17235
			in_ $g ip $v route add local default dev lo table 17235
		done
	fi
	case $f in
	*tproxy*) relayed "${f##*/}" ;;
	*) redirected "${f##*/}" ;;
	esac
	in_ $g nft flush ruleset
	in_ $g "$bin" transparent down
done
for f in tproxy redirect; do
	r=$top/contrib/iptables/$f.sh
	[ -e "$r" ] || continue
	in_ $g sh "$r" up lan
	in_ $g sh "$r" up lan
	case $f in
	tproxy) relayed "$f.sh" ;;
	*) redirected "$f.sh" ;;
	esac
	in_ $g sh "$r" down lan
	direct "$f.sh down"
done
[ $bad = 0 ] && echo "transparent: all right"
