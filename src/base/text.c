/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c - what came from a disk, made fit for people; and sizes as DiskPart writes them. */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "dynadisk.h"

/* Length of the well-formed UTF-8 sequence at p (n bytes left) and its code point, or 0. */
static size_t utf8_at(const uint8_t *p, size_t n, uint32_t *cp)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xf8) == 0xf0 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	*cp = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	if (*cp < lowest[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return len;
}

/* Characters that move the cursor, change direction or hide: never shown as themselves. */
static bool shown_escaped(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff ||
	       (cp >= 0xfff9 && cp <= 0xfffb) || (cp >= 0xe0000 && cp <= 0xe0fff);
}

size_t dyn_text_clean(char *dst, size_t dst_size, const void *src, size_t n)
{
	const uint8_t *p = src;
	size_t used = 0;

	if (dst_size == 0)
		return 0;
	while (n > 0) {
		uint32_t cp = 0;
		size_t len = utf8_at(p, n, &cp);
		if (len && !shown_escaped(cp)) {
			if (used + len >= dst_size)
				break;
			memcpy(dst + used, p, len);
			used += len;
		} else {
			char esc[5];
			len = 1;
			if (used + 4 >= dst_size)
				break;
			snprintf(esc, sizeof(esc), "\\x%02x", p[0]);
			memcpy(dst + used, esc, 4);
			used += 4;
		}
		p += len;
		n -= len;
	}
	dst[used] = '\0';
	return used;
}

size_t dyn_text_vformat(char *dst, size_t dst_size, const char *fmt, va_list ap)
{
	char whole[2048];

	vsnprintf(whole, sizeof(whole), fmt, ap);
	return dyn_text_clean(dst, dst_size, whole, strlen(whole));
}

size_t dyn_text_format(char *dst, size_t dst_size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = dyn_text_vformat(dst, dst_size, fmt, ap);
	va_end(ap);
	return n;
}

void dyn_text_size(char *dst, size_t dst_size, uint64_t bytes)
{
	static const char *const unit[] = { "B", "KB", "MB", "GB", "TB" };
	int u = 0;
	uint64_t div = 1, shown = bytes;

	while (u < 4 && shown >= 8192) {
		u++;
		div <<= 10;
		shown = bytes / div + (bytes % div >= div - div / 2 ? 1 : 0);
	}
	snprintf(dst, dst_size, "%llu %s", (unsigned long long)shown, unit[u]);
}

const char *dyn_version(void)
{
	return PACKAGE_VERSION;
}
