/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unit.h - cmocka with the includes it wants, once. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* cmocka's integer asserts cast to its LargestIntegralType; this keeps -Wconversion quiet at the call */
#define assert_u64(a, b) assert_int_equal((uint64_t)(a), (uint64_t)(b))

#endif
