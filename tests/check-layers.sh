#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The rules of the house (CONTRIBUTING.md), read from the sources: who may include whom, who may print, who may open a
# disk for writing, how long files and functions may be. Every rule is then shown to bite: a copy of the tree with one
# violation planted in it must be refused.
# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

# What outside src/run/ may write: the file, what the line has to match, what is written. Nothing here is a disk: what is
# opened is new (O_EXCL, "x"), in memory, or a sink.
may_write='
src/table/fdisk.c	[ =](pwrite|ftruncate)\(	the memory file that libfdisk edits instead of the disk
src/plan/clean.c	[ =]ftruncate\(	a memory file as large as the disk that reads as zeros
src/model/fsprobe.c	[ =](pwrite|ftruncate)\(	the memory file in which libblkid looks at a volume
src/base/temp.c	O_TMPFILE [|] O_RDWR|[ =](pwrite|ftruncate)\(	new files without a name, which makers of file systems fill
ui/lab.c	O_CREAT [|] O_EXCL|ftruncate\(|"/dev/null", O_WRONLY|, "wxe"\)	new image files for practice
ui/main.c	open\(a->log_file, O_WRONLY|[ (]write\(\*fd, text,	the log of writes; refused when it is a disk
ui/tui/loop.c	"/dev/null", O_RDWR	a sink in place of the lost terminal
ui/tui/freespace.c	write\(f->wake_fd,	an eventfd
ui/tui/planview.c	fopen\(path, "wx"\)	a new file for the DiskPart script
'

# strip FROM TO: a copy of the C files, line for line, without comments
strip() {
	local f
	(cd "$1" && find src ui -name '*.[ch]') | while read -r f; do
		mkdir -p "$2/$(dirname "$f")"
		awk '{
			line = $0; out = ""
			while (line != "") {
				if (inside) {
					i = index(line, "*/")
					if (!i) { line = ""; break }
					line = substr(line, i + 2); inside = 0
				} else if (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
					word = substr(line, RSTART, RLENGTH)
					out = out substr(line, 1, RSTART - 1)
					line = substr(line, RSTART + RLENGTH)
					if (word == "//") line = ""
					else if (word == "/*") inside = 1
					else out = out word
				} else { out = out line; line = "" }
			}
			print out
		}' "$1/$f" >"$2/$f"
	done
}

# resolve FILE INCLUDED: the path, inside the tree, of an #include "..."
resolve() {
	local dir
	dir=$(dirname "$1")
	if [ -e "$dir/$2" ]; then realpath --relative-to=. "$dir/$2"
	elif [ -e "src/$2" ]; then echo "src/$2"
	elif [ -e "$2" ]; then echo "$2"
	else echo "generated/$2"; fi
}

# The layers below each folder, itself included; in the order of the house.
below() {
	case $1 in
	src/base/*) echo 'src/base/*' ;;
	src/table/*) echo 'src/base/* src/table/*' ;;
	src/ldm/*) echo 'src/base/* src/ldm/*' ;;
	src/model/*) echo 'src/base/* src/table/* src/ldm/* src/model/*' ;;
	src/plan/*) echo 'src/base/* src/table/* src/ldm/* src/model/* src/plan/*' ;;
	src/run/*) echo 'src/base/* src/table/* src/ldm/* src/model/* src/plan/* src/run/*' ;;
	ui/*) echo 'ui/*' ;;
	esac
}

includes() { # of the stripped copy in the current folder
	local - file line inc path pattern fine
	set -f # what below() says are patterns for case, not files
	grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src ui | while IFS=: read -r file line inc; do
		inc=${inc#*\"} inc=${inc%%\"*}
		path=$(resolve "$file" "$inc")
		fine=
		for pattern in src/dynadisk.h generated/config.h $(below "$file"); do
			# shellcheck disable=SC2254 # a pattern is wanted
			case $path in $pattern) fine=1 ;; esac
		done
		[ -n "$fine" ] || echo "$file:$line: may not include $inc"
	done
	grep -rnE '#[[:space:]]*include[[:space:]]*<libfdisk' src ui | grep -v '^src/table/' | sed 's/$/ (libfdisk is for src\/table only)/'
	grep -rnE '#[[:space:]]*include[[:space:]]*<(n?curses|ncursesw|panel|menu|form|term)[./]' src ui |
		grep -v '^ui/tui/' | sed 's/$/ (curses is for ui\/tui only)/'
	grep -rnE '#[[:space:]]*include[[:space:]]*<(histedit|readline|editline|libsmartcols)' src | sed 's/$/ (not in the engine)/'
}

printing() {
	local word='(^|[^_[:alnum:]])'
	{
		grep -rnE "$word(v?d?printf|puts|putchar|perror|v?warnx|v?errx|error|exit|_exit|_Exit|quick_exit|abort|assert)[[:space:]]*\\(" src
		grep -rnE "$word(stdout|stderr|STDOUT_FILENO|STDERR_FILENO)([^_[:alnum:]]|\$)" src
	} | sed 's/$/ (the engine neither prints nor exits)/'
}

writing() {
	local word='(^|[^_[:alnum:]>.])' file calls
	{
		grep -rnE "$word(O_RDWR|O_WRONLY|O_CREAT|O_TRUNC|O_APPEND|BLKDISCARD|BLKZEROOUT|BLKSECDISCARD|PROT_WRITE)([^_[:alnum:]]|\$)" src ui
		grep -rnE "$word(p?writev?2?|pwrite64|f?truncate(64)?|fallocate(64)?|posix_fallocate|copy_file_range|sendfile|splice|creat)[[:space:]]*\(" src ui
		grep -rnE "$word(fopen(64)?|freopen|fdopen)[[:space:]]*\([^;]*\"[^\"]*[wa+]" src ui
	} | grep -v '^src/run/' | while IFS= read -r line; do
		file=${line%%:*}
		calls=$(awk -F '\t' -v file="$file" '$1 == file { print $2 }' <<<"$may_write")
		[ -n "$calls" ] && [[ ${line#*:*:} =~ $calls ]] || echo "$line (only src/run/ writes)"
	done
}

spdx() {
	local f
	{ find src ui tests man completions \( -name '*.[ch18]' -o -name '*.sh' -o -name '*.mk' -o -name '*.py' -o -name '*.md' \) 2>/dev/null
	  ls configure.ac Makefile.am bootstrap README.md CONTRIBUTING.md .ci/run completions/* 2>/dev/null
	} | sort -u | while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' || echo "$f: no SPDX line"
	done
}

long_files() {
	find src ui tests \( -name '*.[ch]' -o -name '*.sh' \) -exec wc -l {} + | awk '$2 != "total" && $1 > 1000 { print $2 ": " $1 " lines" }'
}

long_functions() {
	find src ui tests -name '*.c' -exec ctags --language-force=C --c-kinds=f --fields=+ne -f - {} + | awk -F '\t' '{
		from = to = 0
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) from = substr($i, 6)
			if ($i ~ /^end:/) to = substr($i, 5)
		}
		if (to - from + 1 > 100) print $2 ": " $1 "() has " to - from + 1 " lines"
	}'
}

have_ctags() { ctags --version 2>/dev/null | grep -q Universal; }

# violations RULE TREE
violations() {
	local stripped=$T/stripped
	case $1 in
	includes | printing | writing)
		rm -rf "$stripped" && mkdir "$stripped" && strip "$2" "$stripped" && (cd "$stripped" && "$1") ;;
	*) (cd "$2" && "$1") ;;
	esac
}

holds() { # RULE WORDS
	local bad
	bad=$(violations "$1" "$SOURCE")
	same "$2" '' "$bad"
}

# bites RULE FILE LINE EXPECTED: LINE added to FILE in a copy of the tree is found
bites() {
	local bad
	rm -rf "$T/planted" && mkdir "$T/planted"
	(cd "$SOURCE" && cp -R src ui tests "$T/planted/")
	mkdir -p "$(dirname "$T/planted/$2")"
	printf '%b\n' "$3" >>"$T/planted/$2"
	bad=$(violations "$1" "$T/planted")
	case $bad in
	*"$4"*) ok "planted, found: $4" ;;
	*)
		not_ok "planted, not found: $4"
		printf 'said: %s\n' "$bad" | sed 's/^/# /'
		;;
	esac
}

# Variables that can change, in the objects of the engine: none.
mutable_globals() { # ARCHIVE
	objdump -t "$1" | awk '/file format/ { object = $1 } $NF ~ /^[.]/ { next }
		$0 ~ / O / && $0 ~ /[ \t][.](data|bss|tdata|tbss)([.][^r][^\t]*)?\t/ { print object $NF ": a variable of the engine" }'
}

holds includes 'nobody includes what lies above'
holds printing 'the engine neither prints nor exits'
holds writing 'only src/run/ opens disks for writing'
holds spdx 'every source names its licence'
holds long_files 'no file over 1,000 lines'
if have_ctags; then holds long_functions 'no function over 100 lines'; else
	skip 'no function over 100 lines' 'universal-ctags is not installed'
fi

bites includes src/base/zz.c '#include "ldm/ldm.h"' 'src/base/zz.c:1: may not include ldm/ldm.h'
bites includes src/ldm/zz.c '#include "table/table.h"' 'src/ldm/zz.c:1:'
bites includes src/table/zz.h '#include "../ldm/ldm.h"' 'src/table/zz.h:1:'
bites includes src/model/zz.c '#  include "plan/plan.h"' 'src/model/zz.c:1:'
bites includes ui/shell/zz.c '#include "model/model.h"' 'ui/shell/zz.c:1:'
bites includes src/new/zz.c '#include "base/io.h"' 'src/new/zz.c:1:'
bites includes src/model/zz.c '#include <libfdisk/libfdisk.h>' 'src/model/zz.c:1:'
bites includes ui/shell/zz.c '#include <ncursesw/curses.h>' 'ui/shell/zz.c:1:'
bites printing src/run/zz.c 'void f(void) { printf("x"); }' 'src/run/zz.c:1:'
bites printing src/plan/zz.c 'void f(void) { fputs("x", stderr); }' 'src/plan/zz.c:1:'
bites printing src/ldm/zz.c '/* a\n*/ void f(void) { exit(1); }' 'src/ldm/zz.c:2:'
bites writing src/model/zz.c 'int f(void) { return open("x", O_RDWR); }' 'src/model/zz.c:1:'
bites writing src/table/fdisk.c 'int f(void) { return open("x", O_RDWR); }' 'src/table/fdisk.c:'
bites writing ui/lab.c 'int f(void) { return open("x", O_RDWR); }' 'ui/lab.c:'
bites writing src/base/zz.c 'int f(void) { return (int)pwrite(1, "", 1, 0); }' 'src/base/zz.c:1:'
bites writing ui/report/zz.c 'FILE *f(void) { return fopen("x", "r+b"); }' 'ui/report/zz.c:1:'
bites spdx src/base/zz.c 'int zz;' 'src/base/zz.c: no SPDX line'
bites long_files ui/zz.c "$(seq -f '/* %g */' 1001)" 'ui/zz.c: 1001 lines'
if have_ctags; then
	bites long_functions src/base/zz.c "void zz(void)\n{\n$(seq -f '/* %g */' 98)\n}" 'zz() has 101 lines'
fi

# Sanitizers add variables of their own, so only a plain build is looked at.
if [ ! -e "$BUILD/libdynadisk.a" ] || ! command -v objdump >/dev/null; then
	skip 'the engine has no variables that change' 'no built library, or no objdump'
elif objdump -t "$BUILD/libdynadisk.a" | grep -qE '__(asan|tsan|ubsan)'; then
	skip 'the engine has no variables that change' 'a sanitizer build'
else
	same 'the engine has no variables that change' '' "$(mutable_globals "$BUILD/libdynadisk.a")"
	printf 'int zz;\nstatic int yy = 1;\nint f(void);\nint f(void) { static int n; return n++ + yy++; }\nconst int xx = 1;\n' >"$T/zz.c"
	if ${CC:-cc} -c -o "$T/zz.o" "$T/zz.c" 2>/dev/null; then
		same 'such variables would be seen' 3 "$(mutable_globals "$T/zz.o" | grep -c .)"
	else
		skip 'such variables would be seen' 'no compiler'
	fi
fi
tap_end
