##! A NetControl plugin that has Clearspan contain hosts: DROP rules on the
##! forwarding path, whose entity is one host (ADDRESS, MAC, or a FLOW of which
##! only the source is given, as quarantine_host() makes), become verdicts by
##! its REST port (sensors: - {name: zeek, listen: ..., token: ...}), and
##! remove_rule() or an expiry undo them. It refuses all other rules, so
##! another plugin gets them: networks, connections, what is redirected,
##! modified or whitelisted, and what only concerns Zeek's own monitoring.
##!
##!	@load ./clearspan
##!	redef Clearspan::url = "https://gw.example:9912";
##!	redef Clearspan::token_file = "/etc/zeek/clearspan.token";
##!
##!	event NetControl::init()
##!		{
##!		NetControl::activate(Clearspan::create(), 10);
##!		}
##!
##! Which response a verdict has is Clearspan's to say (responses:), by the
##! signature "Zeek NetControl" or its category, the rule's location.
##! It needs curl 7.76 or later.

@load base/frameworks/netcontrol
@load base/utils/exec

module Clearspan;

export {
	## Where its REST port is.
	const url = "https://127.0.0.1:9912" &redef;
	## A file with the line "Authorization: Bearer TOKEN", for curl -H @FILE:
	## so the token is in no list of processes.
	const token_file = "/etc/zeek/clearspan.token" &redef;
	## The CA of its certificate; "": those of the system.
	const ca_file = "" &redef;
	## How severe such a verdict is, 0 to 10.
	const severity = 8 &redef;
	## How long a call may take, at least a second.
	const wait = 10sec &redef;

	## Make a backend, for NetControl::activate().
	global create: function(): NetControl::PluginState;
}

# The verdicts' numbers, by the id of the rule that has brought them about. Two
# rules about one host have the same number.
global ids: table[string] of string = table();

function curl(args: string, input: string): Exec::Command
	{
	local ca = ca_file == "" ? "" :
	    fmt("--cacert %s", safe_shell_quote(ca_file));
	local c = fmt("curl -sS --fail-with-body -m %d -H @%s %s %s",
	    double_to_count(interval_to_double(wait)),
	    safe_shell_quote(token_file), ca, args);

	return Exec::Command($cmd=c, $stdin=input);
	}

# What a call has printed, on one line.
function printed(res: Exec::Result): string
	{
	local s = res?$stdout ? join_string_vec(res$stdout, " ") : "";

	if ( res?$stderr )
		s = fmt("%s %s", s, join_string_vec(res$stderr, " "));
	return strip(s);
	}

function failed(p: NetControl::PluginState, r: NetControl::Rule, why: string)
	{
	event NetControl::rule_error(r, p, fmt("clearspan: %s", why));
	}

# The host that a subnet is; "": it has more than one.
function one_host(s: subnet): string
	{
	if ( subnet_width(s) != ( is_v4_subnet(s) ? 32 : 128 ) )
		return "";
	return cat(subnet_to_addr(s));
	}

# The host that a rule is about; "": it is not about one.
function who(e: NetControl::Entity): string
	{
	if ( e$ty == NetControl::MAC && e?$mac )
		return e$mac;
	if ( e$ty == NetControl::ADDRESS && e?$ip )
		return one_host(e$ip);
	if ( e$ty == NetControl::FLOW && e?$flow && e$flow?$src_h &&
	     ! ( e$flow?$src_p || e$flow?$dst_h || e$flow?$dst_p ||
	         e$flow?$src_m || e$flow?$dst_m ) )
		return one_host(e$flow$src_h);
	return "";
	}

function added(p: NetControl::PluginState, r: NetControl::Rule,
    res: Exec::Result)
	{
	local said = printed(res);

	if ( res$exit_code != 0 || res$signal_exit )
		{
		failed(p, r, said);
		return;
		}
	# {"verdicts": [{"result": "done", ..., "id": 17}]}: without an id it has
	# contained nobody, and says why.
	local found = find_all_ordered(said, /\"id\": ?[0-9]+/);
	if ( |found| == 0 )
		{
		failed(p, r, said);
		return;
		}
	ids[r$id] = sub(found[0], /\"id\": ?/, "");
	event NetControl::rule_added(r, p, said);
	}

function add_rule(p: NetControl::PluginState, r: NetControl::Rule): bool
	{
	if ( r$ty != NetControl::DROP || r$target != NetControl::FORWARD )
		return F;

	local host = who(r$entity);
	if ( host == "" )
		return F;

	local why = r?$location && r$location != "" ? r$location : "drop";
	local body = to_json(table(
	    ["endpoint"] = host,
	    ["severity"] = cat(severity),
	    ["signature"] = "Zeek NetControl",
	    ["category"] = why));
	local call = curl(fmt("-H 'Content-Type: application/json' %s %s",
	    "--data-binary @-", safe_shell_quote(url + "/v1/verdicts")), body);

	when [p, r, call] ( local res = Exec::run(call) )
		{
		added(p, r, res);
		}
	timeout wait + 5sec
		{
		failed(p, r, "curl does not end");
		}
	return T;
	}

# The rule is no more; what Clearspan says of that.
function removed(p: NetControl::PluginState, r: NetControl::Rule, id: string,
    res: Exec::Result)
	{
	local said = printed(res);

	# It may have ended by itself, or by an operator: that is 404.
	if ( ( res$exit_code == 0 && ! res$signal_exit ) ||
	     /error: 404/ in said )
		event NetControl::rule_removed(r, p, said);
	else
		failed(p, r, fmt("number %s is not undone: %s", id, said));
	}

function remove_rule(p: NetControl::PluginState, r: NetControl::Rule,
    reason: string): bool
	{
	if ( r$id !in ids )
		return F;

	local id = ids[r$id];
	delete ids[r$id];
	for ( other in ids )
		if ( ids[other] == id )
			{
			event NetControl::rule_removed(r, p, fmt(
			    "clearspan: rule %s still contains it", other));
			return T;
			}

	local call = curl(fmt("-X DELETE %s",
	    safe_shell_quote(fmt("%s/v1/verdicts/%s", url, id))), "");

	when [p, r, id, call] ( local res = Exec::run(call) )
		{
		removed(p, r, id, res);
		}
	timeout wait + 5sec
		{
		failed(p, r, fmt("number %s: curl does not end", id));
		}
	return T;
	}

function name(p: NetControl::PluginState): string
	{
	return fmt("Clearspan at %s", url);
	}

# Clearspan ends a quarantine by itself, when the time of its response is over;
# Zeek's own expiry may end it before.
global plugin = NetControl::Plugin($name=name, $can_expire=F,
    $add_rule=add_rule, $remove_rule=remove_rule);

function create(): NetControl::PluginState
	{
	return NetControl::PluginState($plugin=plugin);
	}
