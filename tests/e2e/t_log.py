"""The event log tells: what it says joins with what others say, and what we
said ourselves is in it."""
import os

from harness import capture, check, equal, net, scenario, wait


def communities(path):
    """What tshark computes of each stream in a capture."""
    text = capture.tshark('-r', path, '--enable-protocol', 'communityid',
                          '-T', 'fields', '-e', 'communityid')
    return {x for x in text.split('\n') if x}


def on_disk(path):
    """The streams in a capture that is made when it has something."""
    return capture.read(path).streams if os.path.exists(path) else []


@scenario
def community_id_is_that_which_a_reader_of_each_mirror_computes(s):
    """With ports: map none joined; and each mirror may show it otherwise."""
    pcap = s.path('disk.pcap')
    s.start(mirrors=[
        {'name': 'recorder', 'interface': 'span0', 'ports': 'map',
         'destination-mac': net.RECORDER_MAC},
        {'name': 'disk', 'pcap': pcap}],
        rules=[{'name': 'default', 'action': 'decrypt',
                'mirror': ['recorder', 'disk']}])
    s.serve(443)
    s.serve(443, address=net.SERVER6)
    for address in (net.SERVER, net.SERVER6):
        s.exchange(b'joined', address=address)
    flows = s.d.flows(2)
    s.rec.streams(2)
    wait(lambda: len(on_disk(pcap)) == 2, 'two streams on disk')
    mapped, kept = communities(s.rec.path), communities(pcap)
    equal((len(mapped), len(kept)), (2, 2), 'flows that tshark told apart')
    equal({f['community_id'] for f in flows}, mapped, 'of the event')
    for n, want in enumerate((mapped, kept)):
        equal({f['clearspan']['mirrors'][n]['community_id'] for f in flows},
              want, 'of mirror %d' % n)
    s.unlike = 'the ports differ'


@scenario
def community_id_without_a_mirror_is_of_the_addresses(s):
    pcap = s.path('same.pcap')
    s.start(mirrors=[{'name': 'recorder', 'pcap': pcap}],
            record=False,
            rules=[{'name': 'seen', 'port': [443], 'action': 'decrypt',
                    'mirror': ['recorder']},
                   {'name': 'unseen', 'action': 'decrypt',
                    'mirror': []}])
    s.serve(443)
    s.serve(444)
    s.exchange(b'seen')
    s.exchange(b'unseen', port=444)
    seen, unseen = s.d.flows(2)
    wait(lambda: on_disk(pcap), 'a stream')
    equal({seen['community_id']}, communities(pcap))
    equal(unseen['clearspan']['mirrors'], [])
    check(unseen['community_id'] != seen['community_id'], unseen)


@scenario
def flow_ids_are_unique_over_workers_and_restarts(s):
    """They began at 1 again, so a page's reference named two sessions."""
    ids = []
    for life in range(2):
        s.start(how='tproxy' if life == 0 else None, record=life == 0)
        if life == 0:
            s.serve(443)
        for n in range(8):
            s.exchange(b'one of many')
        flows = s.d.flows(8 * (life + 1))
        ids = [f['flow_id'] for f in flows]
        s.stop(s.d)
    equal(len(set(ids)), 16, 'different ids')
    check(max(ids) < 1 << 53, 'more than a double holds', max(ids))
