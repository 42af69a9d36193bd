"""What tests/icap/server.py does for each service name.

A service is a set of parameters; those of the request's own URI
(`/echo?split=1&slow=50`) and of the control file come on top. DEFAULTS says
what each is for. f1 to f35 are the failures an ICAP client has to live
through; where the failure is not the server's to make (no address, nobody
listening, a client that leaves) the service is a plain one to point at.
"""

DEFAULTS = {
    # What is answered.
    "do": "echo",       # echo, stream, 204, 206, modify, page, status, raw
    "status": "200",    # of `status` (ICAP) and `page` (HTTP, then 403)
    "retry": "",        # Retry-After of `status`
    "n": "0",           # 206: the offset of use-original-body
    "prefix": "",       # 206, modify: text before the body
    "append": "",       # modify: text behind the body
    "replace": "",      # modify: old,new
    "header": "",       # modify: a field, name:value
    "bytes": "",        # page: size of the page
    "raw": "",          # raw: these bytes, %-coded, then go on as `end` says
    # How the adapted message is framed and spelled.
    "length": "yes",    # a right Content-Length; no; a number to say instead
    "short": "0",       # so many bytes less of body than there should be
    "long": "0",        # so many bytes more
    "chunk": "16384",   # bytes of a chunk
    "ext": "",          # an extension on each chunk
    "trailer": "",      # an ICAP trailer, name:value
    "badchunk": "",     # size, crlf, huge: spoil the second chunk's frame
    "encap": "",        # this for Encapsulated, instead of the right one
    "badhead": "",      # status, nul, cr, lengths, te, unended, inject, huge
    "istag": "server-1",  # none: leave it out; new: another each time
    "icap": "",         # one more ICAP field, name:value
    "lf": "",           # yes: the ICAP head's lines end in LF
    # When it is answered, and how far.
    "early": "",        # answer after so many bytes of body
    "drain": "yes",     # after an early answer read the rest: yes, no
    "slow": "0",        # milliseconds before the answer
    "hold": "",         # yes: no answer before the scenario lets it go
    "split": "0",       # write so many bytes at a time
    "gap": "0",         # milliseconds between such writes
    "readgap": "0",     # milliseconds before each chunk read
    "send100": "",      # ieof: a 100 after ieof; always: a 100 unasked;
                        # twice; 102: a 102 first
    "cut": "",          # where to stop: accept head preview continue body
                        # (while reading, after `after` bytes), answer http
                        # content last (while writing, `after` bytes into it)
    "after": "0",
    "how": "fin",       # fin, rst, hang, garbage
    "ms": "60000",      # how long a hang is
    "only": "",         # used: cut only on a used connection; first: only on
                        # a fresh one
    "end": "keep",      # after the answer: keep, close (announced), drop
                        # (unannounced)
    # What OPTIONS says.
    "methods": "REQMOD, RESPMOD",
    "preview": "1024",  # none: leave it out
    "allow": "204",
    "max": "",          # Max-Connections
    "ttl": "3600",
    "tp": "*", "tc": "", "ti": "",  # Transfer-*
    "include": "X-Client-IP, X-Server-IP",
    "options": "",      # an ICAP status to answer OPTIONS with; hang; fin
}

# Each row: do this instead of the defaults.
SERVICES = {
    "echo": {},
    "stream": {"do": "stream"},
    "204": {"do": "204"},
    "206": {"do": "206", "prefix": "PREFIX ", "allow": "204, 206"},
    "modify": {"do": "modify", "append": "\nadapted\n",
               "header": "X-Adapted:yes"},
    "satisfy": {"do": "page", "status": "403"},
    "block": {"do": "page", "status": "403", "length": "no",
              "icap": "X-Infection-Found:Type=0; Resolution=2; Threat=Test;"},
    "early": {"early": "0"},
    "slow": {"slow": "200"},
    "split": {"split": "1"},
    "close": {"cut": "content", "how": "fin"},
    "reset": {"cut": "content", "how": "rst"},
    "hang": {"cut": "answer", "how": "hang"},
    "status": {"do": "status", "status": "503"},
    "noistag": {"istag": "none"},
    "badencap": {"encap": "res-hdr=0, res-body=7, null-body=3"},
    "short": {"short": "100"},
    "long": {"long": "100"},
    "bigchunkext": {"ext": "x=" + "y" * 6000},
    "options": {},
    "max": {"max": "1", "slow": "100"},
    # One for each row of the failure table.
    "f1": {},                               # no address: the test's resolver
    "f2": {},                               # refused: a port nobody has
    "f3": {},                               # connect time-out: a black hole
    "f4": {},                               # TLS: --tls with another's name
    "f5": {"cut": "head", "only": "used"},  # &how=rst
    "f6": {"cut": "preview"},               # &cut=head &how=rst
    "f7": {"cut": "continue", "how": "rst"},
    "f8": {"cut": "body", "after": "200000", "how": "rst"},
    "f9": {"cut": "content", "after": "500", "how": "rst"},
    "f10": {"cut": "answer", "how": "hang"},
    "f11": {"cut": "content", "after": "500", "how": "hang"},
    "f12": {"do": "stream"},                # a slow client's doing
    "f13": {"encap": "res-hdr=0, res-body=5"},  # &badchunk= &raw= &do=204
    "f14": {"badhead": "lengths"},
    "f15": {"short": "100"},                # &length=no: no sign of it
    "f16": {"do": "status", "status": "418"},
    "f17": {"do": "status", "status": "407"},
    "f18": {"do": "status", "status": "404", "end": "close"},
    "f19": {"do": "status", "status": "408", "end": "close", "only": "used"},
    "f20": {"do": "status", "status": "500", "end": "close"},
    "f21": {"do": "status", "status": "503", "retry": "2"},
    "f22": {"max": "1", "slow": "300"},
    "f23": {"options": "500"},              # &options=hang &options=fin
    "f24": {"istag": "new"},
    "f25": {"early": "0", "do": "page", "drain": "no"},
    "f26": {"send100": "ieof"},
    "f27": {"send100": "always"},
    "f28": {"do": "status", "status": "302"},   # &status=201 &send100=102
    "f29": {"hold": "yes"},                 # the log says who left
    "f30": {},                              # the log says if it was complete
    "f31": {},
    "f32": {},
    "f33": {"cut": "accept", "options": "fin"},
    "f34": {"hold": "yes"},
    "f35": {"do": "status", "status": "500"},
}


def parameters(name, *more):
    """All parameters of a service; None if there is no such service."""
    if name not in SERVICES:
        return None
    p = dict(DEFAULTS)
    for d in (SERVICES[name],) + more:
        for key, value in d.items():
            if key not in DEFAULTS:
                raise KeyError(key)
            p[key] = str(value)
    return p
