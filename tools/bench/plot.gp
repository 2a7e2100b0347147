# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's plots, one SVG: variables dir (data) and out (file).

set terminal svg size 1200,1300 font "Helvetica,14" background "white"
set output out
set datafile missing "?"
set multiplot layout 3,1
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside right center vertical

set title "Instructions per I/O by queue depth (4 KiB reads, polled, registered buffers)"
set logscale x 2
set xlabel "queue depth"
set ylabel "instructions per I/O"
set yrange [0:*]
stats dir."/depth.dat" using 1 nooutput
if (exists("STATS_records") && STATS_records > 0) {
	plot dir."/depth.dat" using 1:5 with linespoints lw 2 pt 7 lc rgb "#999999" title "synchronous ioctl", \
	     "" using 1:2 with linespoints lw 2 pt 7 lc rgb "#4477aa" title "block I/O", \
	     "" using 1:3 with linespoints lw 2 pt 7 lc rgb "#cc6677" title "stock passthrough", \
	     "" using 1:4 with linespoints lw 2 pt 7 lc rgb "#117733" title "steered, policy ring"
} else {
	set multiplot next
}
unset logscale x
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set xlabel ""
set ylabel "times fewer instructions"
set xtics rotate by -25
set arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb "black" dt 2
set yrange [0:*]

do for [which in "policies ring"] {
	file = dir."/".which.".dat"
	set title which eq "policies" ? \
		"Ratio to stock passthrough: policies (512 B, registered buffers)" : \
		"Ratio to stock passthrough: policy ring by size and buffers (polled)"
	stats file using 2 nooutput
	if (exists("STATS_records") && STATS_records > 0) {
		plot file using 2:xtic(1) title "b=1" lc rgb "#88ccee", \
		     "" using 3 title "b=2" lc rgb "#4477aa", \
		     "" using 4 title "b=8" lc rgb "#ddcc77", \
		     "" using 5 title "b=32" lc rgb "#117733"
	} else {
		set multiplot next
	}
}
unset multiplot
