##! A NetControl plugin that has Clearspan contain hosts and deny nobody else:
##! drop_address(), quarantine_host() and rules on entities ADDRESS and MAC
##! become verdicts by its REST port (sensors: - {name: zeek, listen: ...,
##! token: ...}), and remove_rule() or an expiry release them.
##!
##!	@load clearspan
##!	redef Clearspan::url = "https://gw.example:9912";
##!	redef Clearspan::token_file = "/etc/zeek/clearspan.token";
##!
##! Which response a verdict has is Clearspan's to say (responses:), by the
##! signature "Zeek NetControl" or its category, the rule's location.

@load base/frameworks/netcontrol
@load base/utils/exec
@load base/utils/json

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
	## How long a call may take.
	const timeout = 10sec &redef;

	## Make a backend, for NetControl::activate().
	global create: function(): NetControl::PluginState;
}

# Quarantines, by the id of the rule that has set them.
global ids: table[string] of string = table();

function curl(args: string, input: string): Exec::Command
	{
	local c = fmt("curl -sS --fail-with-body -m %d -H @%s %s %s",
	    double_to_count(interval_to_double(timeout)),
	    safe_shell_quote(token_file), ca_file == "" ? "" :
	    fmt("--cacert %s", safe_shell_quote(ca_file)), args);
	return Exec::Command($cmd=c, $stdin=input);
	}

function failed(p: NetControl::PluginState, r: NetControl::Rule, why: string)
	{
	event NetControl::rule_error(r, p, why);
	}

# The host that a rule is about; "": it is about none.
function who(e: NetControl::Entity): string
	{
	if ( e$ty == NetControl::MAC )
		return e$mac;
	if ( e$ty == NetControl::ADDRESS && subnet_width(e$ip) >= 32 &&
	     ( is_v4_subnet(e$ip) || subnet_width(e$ip) == 128 ) )
		return cat(subnet_to_addr(e$ip));
	return "";
	}

function added(p: NetControl::PluginState, r: NetControl::Rule,
    res: Exec::Result)
	{
	local said = res?$stdout ? join_string_vec(res$stdout, " ") : "";

	if ( res$exit_code != 0 )
		{
		failed(p, r, fmt("clearspan: %s %s", said, res?$stderr ?
		    join_string_vec(res$stderr, " ") : ""));
		return;
		}
	# {"verdicts": [{"result": "done", ..., "id": 17}]}: without an id it has
	# contained nobody, and says why.
	local found = find_all(said, /"id": ?[0-9]+/);
	if ( |found| == 0 )
		{
		failed(p, r, fmt("clearspan: %s", said));
		return;
		}
	for ( one in found )
		ids[r$id] = sub(one, /"id": ?/, "");
	event NetControl::rule_added(r, p, said);
	}

function add_rule(p: NetControl::PluginState, r: NetControl::Rule): bool
	{
	local host = who(r$entity);

	if ( r$ty != NetControl::DROP || host == "" )
		return F;
	local body = to_json(table(
	    ["endpoint"] = host,
	    ["severity"] = cat(severity),
	    ["signature"] = "Zeek NetControl",
	    ["category"] = r?$location ? r$location : "drop"));
	when [p, r, body] ( local res = Exec::run(curl(fmt(
	    "-H 'Content-Type: application/json' --data-binary @- %s/v1/verdicts",
	    safe_shell_quote(url)), body)) )
		{
		added(p, r, res);
		}
	timeout timeout + 1sec
		{
		failed(p, r, "clearspan does not answer");
		}
	return T;
	}

function remove_rule(p: NetControl::PluginState, r: NetControl::Rule,
    reason: string): bool
	{
	if ( r$id !in ids )
		return F;
	local id = ids[r$id];

	delete ids[r$id];
	when [p, r, id] ( local res = Exec::run(curl(fmt(
	    "-X DELETE %s/v1/quarantine/%s", safe_shell_quote(url), id), "")) )
		{
		if ( res$exit_code == 0 )
			event NetControl::rule_removed(r, p, "");
		else
			failed(p, r, "clearspan did not release it");
		}
	timeout timeout + 1sec
		{
		failed(p, r, "clearspan does not answer");
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
	return [$plugin=plugin];
	}
