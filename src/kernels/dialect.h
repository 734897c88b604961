/* SPDX-License-Identifier: MIT */
/*
 * The kernel dialect: one source, the same bits everywhere.
 *
 * A kernel file is compiled many times: as vector lanes by gcc and clang for each instruction set (dialect_native.h), as OpenCL C with
 * 16-wide lanes for processors and scalar for GPUs (dialect_opencl.h), and as CUDA (dialect_cuda.h); each time for REAL_BITS 32 and 64.
 *
 *     #include "kernels/dialect.h"
 *
 *     KERNEL2(scale, scale_params, GLOBAL const real *, in, GLOBAL real *, out) {
 *       ITEMS(i) STORE(out, GROUP * GROUP_SIZE + i, LOAD(in, GROUP * GROUP_SIZE + i) * p.factor);
 *     }
 *
 * The model is that of a GPU. A launch has `groups` work groups of GROUP_SIZE items. The body is written for a whole group, as a row of
 * phases: ITEMS(i) { ... } runs for every item (on a GPU each thread once, in lanes for LANES items at a time from item i on); outside
 * of ITEMS stands what is the same for all items. Nothing crosses from one phase to the next but LOCAL_ARRAYs, with BARRIER between.
 *
 * What makes the bits equal: every operation is one IEEE operation, or made of such; nothing is contracted (FMA is written); sums go in an
 * order that depends neither on lanes nor on threads; no library's exp, log or sin (kernels/elementary.h has ours); divisions and square
 * roots are correctly rounded on all targets. What a kernel computes may depend on GROUP, i and its arguments only, never on LANES.
 * A NaN that may come out is one that the kernel chose (which one an operation makes differs between devices), and no name is one that some
 * target reserves (half).
 *
 * Types        real          float or double            R        LANES reals
 *              U, I          LANES integers as wide as real, unsigned and signed
 *              M             what a comparison of lanes gives; combine with & and |
 *              W             LANES 32-bit words (random.h); as wide as U in vector lanes, whose upper half may hold anything
 *              D             LANES doubles, for sums
 *              u32 i32 u64 i64
 * Constants    COEFFICIENTS(name) = {...};                a table of reals, read as ALL(name[3])
 * Values       RC(x)         a real constant             ALL(x), ALL_U(x), ALL_W(x), ALL_D(x)   the same in all lanes
 *              FMA SQRT      correctly rounded           MIN(a, b): a < b ? a : b      MAX(a, b): a > b ? a : b
 *              SQRT_NORMAL(a), DIVIDE_NORMAL(a, b)       the same bits as SQRT and /, of numbers (a of any sign) from 2^-100 to 2^100
 *              SELECT(m, a, b), SELECT_U(m, a, b)        per lane m ? a : b
 *              BITS(r) REAL_OF(u) INT_OF(u)              the same bits as another type
 *              SMALL_TO_REAL(i)                          the nearest real, for lanes of |i| < 2^31
 *              BIASED_TO_REAL(u, bias)                   u - bias as a real, exact, for lanes of 0 <= u < 2^21
 *              WORDS_JOIN(high, low)                     U of two words; REAL_BITS 64 only
 *              WIDEN(r)                                  D of R
 * Memory       GLOBAL, LOAD(p, i), STORE(p, i, r)        LANES reals from p[i] on, any alignment
 *              STORE_D(p, i, d)                          the same of doubles
 *              LOCAL_ARRAY(type, name, n)                one a group; CUDA alone has copies to it (COPY_TO_LOCAL)
 * Group        GROUP, GROUP_SIZE, ITEMS(i), LANE(i)      number of the group; the lanes' item numbers as W
 *              BARRIER, LEADER { ... }                   once a group
 *              tree_sum(a)                               sum of a LOCAL_ARRAY(double, a, GROUP_SIZE) that it overwrites, in a fixed tree;
 *                                                        begins and ends with a barrier; all items see the sum
 * Order        FOLLOWS                                   first of all in a KERNEL_THAT_FOLLOWS (kernels.def): waits for all of the
 *                                                        kernel before. Such a one may be started early, so that what starting
 *                                                        takes is over by then
 *              MAY_FOLLOW                                from here on the next kernel may be started, if it is such a one
 * Functions    FUNCTION                                  static and inlined; UNROLL_10 and UNROLL before a loop of so many, of few
 *                                                        turns: drivers' compilers need to be told
 * Kernels      KERNEL1 to KERNEL6(name, params, type, buffer, ...): inside, `p` is the params struct, which holds 4- and 8-byte numbers
 *              in natural alignment (the same layout on every side). In kernels.def each kernel has a line.
 */
#ifndef ASSAY_KERNELS_DIALECT_H
#define ASSAY_KERNELS_DIALECT_H

#define GROUP_SIZE 256

#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)
#define ASSAY_OPENCL 1
#include "kernels/dialect_opencl.h"
#elif defined(__CUDACC__)
#include "kernels/dialect_cuda.h"
#else
#include "kernels/dialect_native.h"
#endif

#if REAL_BITS == 32
#define RC(x) x##f
#else
#define RC(x) x
#endif

#if !defined(FOLLOWS)
#define FOLLOWS ((void)0)
#define MAY_FOLLOW ((void)0)
#endif

#define MIN(a, b) r_min((a), (b))
#define MAX(a, b) r_max((a), (b))

#endif
