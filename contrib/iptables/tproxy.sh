#!/bin/sh
# TPROXY with iptables and ip6tables, for systems that keep to them:
#	tproxy.sh up|down IFACE [PORTS [LISTENER]]
# IFACE is where the clients are, PORTS as 443,8000:8100 (15 at most; default
# 443), LISTENER the port of `listen: - mode: transparent` (default 8443).
# `up` may be run again; it replaces what was there. While nothing listens, the
# TPROXY target drops what it catches: clients wait in vain, and nothing passes
# unread. See also contrib/nftables/tproxy.nft, which resets instead.
set -eu
verb=${1-} lan=${2-} ports=${3:-443} listener=${4:-8443}
mark=0x4353 table=17235

# The chains are ours alone: emptied, and jumped to once.
clean() {	# iptables or ip6tables
	for p in tcp icmp ipv6-icmp; do
		while "$1" -w -t mangle -D PREROUTING -p $p -j CLEARSPAN \
		    2>/dev/null
		do :; done
	done
	"$1" -w -t mangle -F CLEARSPAN 2>/dev/null || :
	"$1" -w -t mangle -X CLEARSPAN 2>/dev/null || :
}
unroute() {	# -4 or -6
	ip "$1" rule del fwmark $mark lookup $table 2>/dev/null || :
	ip "$1" route flush table $table 2>/dev/null || :
}
route() {
	ip "$1" rule add fwmark $mark lookup $table pref 1000
	ip "$1" route replace local default dev lo table $table
}
rules() {
	"$1" -w -t mangle -N CLEARSPAN
	icmp=icmp
	[ "$1" = iptables ] || icmp=ipv6-icmp
	# Connections the gateway holds, on both of their sides, and the ICMP
	# errors that speak of them ("too big").
	"$1" -w -t mangle -A CLEARSPAN -m socket --transparent \
	    -j MARK --set-mark $mark
	"$1" -w -t mangle -A CLEARSPAN -m mark --mark $mark -j ACCEPT
	# What is meant for the gateway itself is not caught.
	"$1" -w -t mangle -A CLEARSPAN -m addrtype --dst-type LOCAL -j RETURN
	"$1" -w -t mangle -A CLEARSPAN -i "$lan" -p tcp -m multiport \
	    --dports "$ports" -j TPROXY --on-port "$listener" \
	    --tproxy-mark $mark
	for p in tcp $icmp; do
		"$1" -w -t mangle -A PREROUTING -p $p -j CLEARSPAN
	done
}

case $verb in
up)
	[ -n "$lan" ] || { echo "up on which interface?" >&2; exit 2; }
	for v in 4 6; do
		t=iptables
		[ $v = 4 ] || t=ip6tables
		clean $t
		unroute -$v
		route -$v
		rules $t
	done
	;;
down)
	clean iptables
	clean ip6tables
	unroute -4
	unroute -6
	;;
*)
	echo "usage: $0 up|down IFACE [PORTS [LISTENER]]" >&2
	exit 2
	;;
esac
