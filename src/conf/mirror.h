/*
 * The section `mirrors`: ports and files at which what crosses in the clear is
 * shown.
 */
#ifndef CONF_MIRROR_H
#define CONF_MIRROR_H

#include <stddef.h>
#include <stdint.h>

#include "conf/parts.h"
#include "util/addr.h"

enum conf_mirror_kind {
	MIRROR_PORT,		/* frames on an interface */
	/* a file: .pcap classic, .pcapng with comments */
	MIRROR_PCAP,
	MIRROR_PCAPIP		/* PCAP-over-IP server */
};

enum conf_offload {		/* who segments and checksums frames */
	OFFLOAD_AUTO,		/* its hardware, if it has any */
	OFFLOAD_ON,		/* the port, whatever it is */
	OFFLOAD_OFF		/* the kernel */
};

struct conf_mirror {
	char		*name;
	enum conf_mirror_kind kind;
	struct conf_pos	 pos;
	struct conf_pos	 place;		/* of its interface, path or address */
	/* MIRROR_PORT */
	char		*interface;
	uint8_t		 source_mac[6];	/* client to server */
	uint8_t		 reply_mac[6];	/* server to client: last octet + 1 */
	uint8_t		 destination_mac[6];
	unsigned	 mtu;		/* 0: the interface's */
	int		 vlan;		/* -1: none */
	enum conf_offload offload;
	/* all kinds */
	int		 ports_map;	/* 443->80 and so on */
	int		 http11;	/* `http2: http/1.1` */
	int		 starttls;	/* `starttls: keep` */
	unsigned	 acks;		/* every this many segments; 0: after
					   every superframe */
	char		*filter;	/* libpcap expression, or NULL */
	/* MIRROR_PCAP */
	char		*path;		/* strftime(3) pattern */
	/* PCAP and PCAPIP: comments, or classic */
	int		 pcapng;
	uint64_t	 rotate_size;	/* 0: never */
	uint64_t	 rotate_ms;	/* 0: never */
	unsigned	 rotate_keep;	/* 0: all */
	/* MIRROR_PCAPIP */
	struct addr	 listen;
	struct conf_prefixes allow;	/* who may read */
	int		 allow_given;	/* else it is the default */
	/* bytes queued for a slow reader or disk */
	uint64_t	 queue;
};

#endif
