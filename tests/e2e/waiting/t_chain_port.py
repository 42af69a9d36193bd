"""Not in the suite yet: it passes, but sessions whose bytes the kernel can no
longer send into a device stay until their client gives up, after a minute."""
from harness import chain, check, device, scenario
from t_chain_fail import begin


@scenario
def a_port_of_a_device_is_deleted_and_made_again(s):
    d, t = begin(s, 'open', device.Bridge)
    d.ns.ip('link del d0\n')
    chain.down(s, d)
    t.more(10, 'ok')
    t.stop()
    check(s.d.alive(), 'the daemon ended')
