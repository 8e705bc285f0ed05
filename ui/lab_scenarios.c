/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lab_scenarios.c - the practice disks. Sizes and places are those of the documented procedures: each scenario named
 * after one is in the state that it starts from, so that its commands can be typed as they are written.
 */
#include "ui/lab_scenarios.h"

#define MIB ((uint64_t)1 << 20)
#define SECTORS(n) ((uint64_t)(n) * 512)

/* A move, what it needs besides the disk in the rest. */
#define DO(what, n, ...) { .verb = LAB_##what, .disk = n, __VA_ARGS__ }

#define SMALL (512 * MIB)
/* C: on disk 0, mirrored on disk 1; its tables are a and b */
#define SMALL_MIRROR(a, b)                                                                  \
	DO(a, 0), DO(DYNAMIC, 0), DO(b, 1), DO(DYNAMIC, 1),                                 \
	DO(VOLUME, 0, .part = 'C', .size = SMALL - 160 * MIB), DO(NTFS, 0, .text = "Windows"), DO(MIRROR, 1)

/* a 480 GB disk; C: ends where the database's last MiB begins */
#define OVH_MBR SECTORS(937703088)
/* behind 1862 GB in whole MiB remain 142 sectors, the small last partition of the guide */
#define OVH_GPT SECTORS(1907678ull * 2048 + 142 + 33)
#define OVH_GPT_C ((1907678 - 479) * MIB)
#define OVH_GPT_FRAME(n)                                                                    \
	DO(GPT, n), DO(EFI, n, .size = 350 * MIB), DO(FAT, n, .part = 1, .text = "EFI"), DO(MSR, n, .size = 128 * MIB)

#define BLOG (32768 * MIB)
#define KB323432 SECTORS(17942584)
#define KB814070 SECTORS(17942584)
/* its LDM data ends at the last usable sector */
#define KB814070_SHADOW SECTORS(8496851 + 33)

const struct lab_scenario lab_scenarios[] = {
	{ "mbr-failed", "a mirrored volume C: on two MBR disks; the second disk died and a blank one took its place",
	  { SMALL, SMALL },
	  { SMALL_MIRROR(MBR, MBR), DO(LOSE, 1, .size = SMALL) } },
	{ "gpt-failed", "the same on two GPT disks",
	  { SMALL, SMALL },
	  { SMALL_MIRROR(GPT_MSR, GPT_MSR), DO(LOSE, 1, .size = SMALL) } },
	{ "mixed-failed", "the same, with the good half on MBR and the lost one on GPT",
	  { SMALL, SMALL },
	  { SMALL_MIRROR(MBR, GPT_MSR), DO(LOSE, 1, .size = SMALL) } },
	{ "mbr-healthy", "the mirror of mbr-failed before anything happened, and a blank spare disk",
	  { SMALL, SMALL, SMALL },
	  { SMALL_MIRROR(MBR, MBR) } },
	{ "gpt-healthy", "the mirror of gpt-failed before anything happened, and a blank spare disk",
	  { SMALL, SMALL, SMALL },
	  { SMALL_MIRROR(GPT_MSR, GPT_MSR) } },
	{ "ovh-mbr", "OVH's guide, MBR: C: was mirrored on two disks of 447 GB, disk 1 is its blank replacement",
	  { OVH_MBR, OVH_MBR },
	  { DO(MBR, 0), DO(PRIMARY, 0, .size = OVH_MBR - SECTORS(4096), .offset = SECTORS(2048)),
	    DO(ACTIVE, 0, .part = 1), DO(NTFS, 0, .part = 1, .text = "Windows"), DO(DYNAMIC, 0),
	    DO(LETTER, 0, .part = 'C'), DO(MBR, 1), DO(DYNAMIC, 1), DO(MIRROR, 1), DO(LOSE, 1, .size = OVH_MBR) } },
	{ "ovh-gpt", "OVH's guide, GPT: the same on 1863 GB, with the partitions UEFI starts from on disk 0",
	  { OVH_GPT, OVH_GPT },
	  { OVH_GPT_FRAME(0), DO(PRIMARY, 0, .size = OVH_GPT_C), DO(NTFS, 0, .part = 3, .text = "Windows"),
	    DO(DYNAMIC, 0), DO(LETTER, 0, .part = 'C'), OVH_GPT_FRAME(1), DO(DYNAMIC, 1), DO(MIRROR, 1),
	    DO(LOSE, 1, .size = OVH_GPT) } },
	{ "blog", "Windows Server on a basic GPT disk of 32 GB, to be mirrored on disk 1, which is blank",
	  { BLOG, BLOG },
	  { DO(GPT, 0), DO(EFI, 0, .size = 100 * MIB), DO(FAT, 0, .part = 1, .text = ""),
	    DO(MSR, 0, .size = 16 * MIB), DO(PRIMARY, 0, .size = 32125 * MIB),
	    DO(ATTRIBUTES, 0, .part = 3, .size = 0x8000000000000000u), DO(NTFS, 0, .part = 3, .text = ""),
	    DO(PRIMARY, 0, .size = 524 * MIB, .text = "de94bba4-06d1-4d40-a16a-bfd50179d6ac"),
	    DO(ATTRIBUTES, 0, .part = 4, .size = 0x8000000000000001u), DO(NTFS, 0, .part = 4, .text = "") } },
	{ "kb323432", "KB 323432: Windows Server 2003 on a basic MBR disk of 9 GB, to be mirrored on disk 1, which is empty",
	  { KB323432, KB323432 },
	  { DO(MBR, 0), DO(PRIMARY, 0, .size = KB323432 - 9 * MIB, .offset = SECTORS(63)),
	    DO(ACTIVE, 0, .part = 1), DO(NTFS, 0, .part = 1, .text = ""), DO(MBR, 1) } },
	{ "kb814070", "KB 814070: Windows Server 2003 on a basic GPT disk of 9 GB, to be mirrored on disk 1, which is blank",
	  { KB814070, KB814070 },
	  { DO(GPT, 0), DO(EFI, 0, .size = 213825024, .offset = 32256), DO(FAT, 0, .part = 1),
	    DO(PRIMARY, 0, .size = 5142056960, .offset = 213857280), DO(NTFS, 0, .part = 2, .text = "PRIMARY"),
	    DO(MSR, 0, .size = 32 * MIB, .offset = 9153031680) } },
	{ "kb814070-failed", "KB 814070, the repair: disk 0 died, a Windows was installed on its replacement to start from",
	  { KB814070, KB814070_SHADOW },
	  { DO(GPT_MSR, 0), DO(DYNAMIC, 0), DO(GPT_MSR, 1), DO(DYNAMIC, 1),
	    DO(VOLUME, 1, .part = 'C', .size = 3142056960), DO(NTFS, 0, .text = "PRIMARY"), DO(RETAIN, 0),
	    DO(MIRROR, 0), DO(LOSE, 0, .size = KB814070), DO(GPT, 0),
	    DO(EFI, 0, .size = 102 * MIB, .offset = 32256), DO(FAT, 0, .part = 1), DO(MSR, 0, .size = 31 * MIB),
	    DO(PRIMARY, 0, .size = 2996 * MIB, .offset = 32256 + 133 * MIB), DO(NTFS, 0, .part = 3, .text = "") } },
};

const size_t lab_n_scenarios = sizeof(lab_scenarios) / sizeof(lab_scenarios[0]);
