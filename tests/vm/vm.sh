# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# vm.sh - a Debian kernel under QEMU with our program as its user space. Source it after tap.sh.
KERNEL=$BUILD/vm/kernel

# vm_ready: the initial RAM disk, $T/initrd: busybox, the modules, dynadisk and the libraries it names
vm_ready() {
	local root=$T/root lib t
	mkdir -p "$root"/{bin,modules,proc,sys,dev,terminfo}
	cp "$SOURCE/tests/vm/init" "$root/init" && chmod 755 "$root/init"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$KERNEL"/*.ko "$root/modules/" 2>/dev/null
	cp "$DYNADISK" "$root/bin/dynadisk" || return 1
	ldd "$DYNADISK" | grep -oE '/[^ ]+' | while read -r lib; do
		mkdir -p "$root/$(dirname "$lib")" && cp -L "$lib" "$root/$lib"
	done
	for t in /lib/terminfo /usr/share/terminfo /etc/terminfo; do
		[ ! -e "$t/v/vt220" ] || { mkdir -p "$root/terminfo/v" && cp -L "$t/v/vt220" "$root/terminfo/v/"; }
	done
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1 >"$T/initrd")
}

# vm_command MODE SNAPSHOT IMAGE...: sets the array QEMU; the images are vda, vdb ... with serial numbers
vm_command() {
	local mode=$1 snapshot=$2 image n=0
	shift 2
	QEMU=(qemu-system-x86_64 -accel tcg -machine q35 -m 512 -display none -serial stdio -monitor none -no-reboot -nic none
		-kernel "$KERNEL/vmlinuz" -initrd "$T/initrd" -append "console=ttyS0 panic=-1 quiet dd=$mode")
	for image; do
		n=$((n + 1))
		QEMU+=(-drive "file=$image,format=raw,if=none,id=d$n,snapshot=$snapshot"
			-device "virtio-blk-pci,drive=d$n,serial=VIRT-$(printf '%04d' $((4100 + n * 7)))")
	done
}

# vm_kernel_sees IMAGE...: $T/seen becomes what the kernel says about the disks; they stay as they are
vm_kernel_sees() {
	vm_command kernel on "$@"
	timeout -k 5 180 "${QEMU[@]}" </dev/null 2>"$T/qemu.err" | tr -d '\r' | sed -n '/^--- log/,/^--- end/p' >"$T/seen"
	grep -q '^--- end' "$T/seen" || { cat "$T/qemu.err"; return 1; }
}
