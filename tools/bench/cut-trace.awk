# SPDX-License-Identifier: GPL-2.0
#
# Counts addresses in the emulator's log of executed instructions, between the
# marks that nvmesteer-bench printed. Input: its output, then the log. Output:
# PART ADDRESS COUNT, PART being submit, irq (of the wait, where it does not sleep)
# or reap.

FNR == NR {
	if ($1 == "marks")
		for (i = 2; i <= 5; i++)
			mark[sprintf("%16s", $i)] = i
	if ($1 == "irq" && $2)
		part[3] = "irq"
	next
}
FNR == 1 {
	for (m in mark) {
		n = m
		gsub(/ /, "0", n)
		is[n] = mark[m]
	}
	part[2] = "submit"
	part[4] = "reap"
}
# Trace 0: 0x7f... [00000000/ffffffff81e002b0/18c0c290/ff022201]
/^Trace/ {
	pc = substr($4, 11, 16)
	if (pc in is)
		now = part[is[pc]]
	else if (now)
		count[now " " pc]++
	last = now
	next
}
# The instruction announced last was not executed after all.
/^Stopped/ {
	pc = substr($8, 2, 16)
	if (last)
		count[last " " pc]--
}
END {
	for (c in count)
		print c, count[c]
}
