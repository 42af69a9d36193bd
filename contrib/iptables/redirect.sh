#!/bin/sh
# REDIRECT with iptables and ip6tables:
#	redirect.sh up|down IFACE [PORTS [LISTENER]]
# IFACE is where the clients are, PORTS as 443,8000:8100 (15 at most; default
# 443), LISTENER the port of `listen: - mode: transparent` (default 8443).
# `up` may be run again; it replaces what was there. The gateway connects on
# from its own address (upstream: keep-client-address: no). While nothing
# listens, the kernel resets what is redirected. See also
# contrib/nftables/redirect.nft, which does the same.
set -eu
verb=${1-} lan=${2-} ports=${3:-443} listener=${4:-8443}

# The chain is ours alone: emptied, and jumped to once.
clean() {	# iptables or ip6tables
	while "$1" -w -t nat -D PREROUTING -p tcp -j CLEARSPAN 2>/dev/null
	do :; done
	"$1" -w -t nat -F CLEARSPAN 2>/dev/null || :
	"$1" -w -t nat -X CLEARSPAN 2>/dev/null || :
}
rules() {
	"$1" -w -t nat -N CLEARSPAN
	# What is meant for the gateway itself is not caught.
	"$1" -w -t nat -A CLEARSPAN -m addrtype --dst-type LOCAL -j RETURN
	"$1" -w -t nat -A CLEARSPAN -i "$lan" -p tcp -m multiport \
	    --dports "$ports" -j REDIRECT --to-ports "$listener"
	"$1" -w -t nat -A PREROUTING -p tcp -j CLEARSPAN
}

case $verb in
up)
	[ -n "$lan" ] || { echo "up on which interface?" >&2; exit 2; }
	for t in iptables ip6tables; do
		clean $t
		rules $t
	done
	;;
down)
	clean iptables
	clean ip6tables
	;;
*)
	echo "usage: $0 up|down IFACE [PORTS [LISTENER]]" >&2
	exit 2
	;;
esac
