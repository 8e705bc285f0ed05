#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# kernel.sh DIR - puts a Debian kernel and the modules the virtual machine needs into DIR, unless they are there.
# Taken from: $DYNADISK_VM_KERNEL (an unpacked linux-image package), this machine's /boot, or apt's archive.
set -euo pipefail
dir=$1
modules='virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk'

# take ROOT: from a folder with boot/ and lib/modules/ in it
take() {
	local config version module file
	config=$(find "$1/boot" -maxdepth 1 -name 'config-*' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$config" ] && grep -q '^CONFIG_LDM_PARTITION=y' "$config" || return 1
	version=${config##*/config-}
	[ -r "$1/boot/vmlinuz-$version" ] || return 1
	rm -rf "$dir/new" && mkdir -p "$dir/new"
	for module in $modules; do
		file=$(find "$1/lib/modules/$version" -name "$module.ko*" 2>/dev/null | head -n 1)
		case $file in
		*.ko) cp "$file" "$dir/new/" ;;
		*.ko.xz) xz -dc "$file" >"$dir/new/$module.ko" ;;
		*.ko.zst) zstd -qdc "$file" >"$dir/new/$module.ko" ;;
		*) grep -q "/$module.ko" "$1/lib/modules/$version/modules.builtin" 2>/dev/null || return 1 ;;
		esac
	done
	cp "$1/boot/vmlinuz-$version" "$dir/new/vmlinuz"
	rm -rf "$dir/kernel" && mv "$dir/new" "$dir/kernel"
	echo "kernel $version from ${1:-/}"
}

download() {
	local package
	command -v apt-get >/dev/null || { echo 'no apt here: unpack a Debian linux-image package and name its folder in DYNADISK_VM_KERNEL'; return 1; }
	name() { apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }'; }
	get() { (cd "$dir" && apt-get -o APT::Sandbox::User="$(id -un)" download "$1"); }
	package=$(name)
	if [ -z "$package" ] || ! get "$package"; then
		if [ "$(id -u)" = 0 ]; then apt-get update; else sudo -n apt-get update; fi
		package=$(name)
		get "$package"
	fi
	dpkg -x "$dir/$package"_*.deb "$dir/unpacked"
	take "$dir/unpacked"
	rm -rf "$dir/unpacked" "$dir/$package"_*.deb
}

[ -e "$dir/kernel/vmlinuz" ] && exit 0
mkdir -p "$dir"
if [ -n "${DYNADISK_VM_KERNEL:-}" ]; then take "$DYNADISK_VM_KERNEL"; else take '' || download; fi
