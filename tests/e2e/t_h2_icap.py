"""HTTP/2 that is read: services of ICAP see each stream, the rules judge each
request, and what happens to one stream does not happen to its siblings."""
import t_h2_peers
from harness import icap, scenario


def echo(s, what='echo', **kw):
    """A service that returns each message as it is."""
    srv = icap.Script(s)
    icap.start(s, icap.service(srv.url(what), srv.url(what), **kw))
    return srv


@scenario
def h2_read_of_nginx(s):
    echo(s)
    t_h2_peers.nginx(s)


@scenario
def h2_read_of_nghttpd(s):
    echo(s)
    t_h2_peers.nghttpd(s)


@scenario
def h2_read_of_apache(s):
    echo(s)
    t_h2_peers.apache(s)


@scenario
def h2_read_of_node(s):
    echo(s, '204')
    t_h2_peers.node(s, 'scanned')
