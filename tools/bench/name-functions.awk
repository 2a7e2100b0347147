# SPDX-License-Identifier: GPL-2.0
#
# Gives counted addresses the names of functions and prints the table. Input:
# nvmesteer-bench's output, the lengths of BPF programs, and one sorted list
# of ADDRESS = NAME and ADDRESS PART COUNT.

function line(what, s, r, to)
{
	printf "%-44s %9.1f %9.1f %9.1f\n", what, s, r, s + r | to
}

function hex(text,    i, v)
{
	v = 0
	for (i = 1; i <= length(text); i++)
		v = v * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return v
}

FILENAME == ARGV[1] {
	if ($1 == "ios")
		ios = $2
	if ($1 == "ticks") {
		ticks["submit"] = $2
		ticks["reap"] = $3
	}
	next
}
FILENAME == ARGV[2] {
	bytes[$1] = $2
	next
}
$2 == "=" {
	# Of names for one address the first that is no padding.
	if ($1 != at || name ~ /^__pfx_/)
		name = $3
	at = $1
	sub(/\.(part|isra|constprop|cold).*/, "", name)
	next
}
{
	n = name
	if ($1 !~ /^ffff/)
		n = "user"
	else if (n in bytes && hex(substr($1, 9)) - hex(substr(at, 9)) >= bytes[n])
		n = "bpf_trampoline"
	else if (n ~ /^bpf_prog_[0-9a-f]*_/)
		sub(/^bpf_prog_[0-9a-f]*_/, "bpf:", n)
	count[n " " $2] += $3
	names[n]
	sum[$2] += $3
}
END {
	if (!ios || !sum["submit"]) {
		print "profile: the trace is empty" >"/dev/stderr"
		exit 1
	}
	printf "%-44s %9s %9s %9s\n", "FUNCTION", "SUBMIT", "REAP", "TOTAL"
	sort = "LC_ALL=C sort -t . -k 1.66,1.76 -r -n"
	fflush()
	for (n in names) {
		s = count[n " submit"] / ios
		r = count[n " reap"] / ios
		if (s + r >= least) {
			line(n, s, r, sort)
			continue
		}
		few_s += s
		few_r += r
	}
	close(sort)
	line("(fewer than " least " each)", few_s, few_r, "cat")
	line("sum", sum["submit"] / ios, sum["reap"] / ios, "cat")
	line("by the time stamp counter", ticks["submit"] / ios,
	     ticks["reap"] / ios, "cat")
}
