/* SPDX-License-Identifier: MIT */
/*
 * The dialect as OpenCL C 1.2. With ASSAY_OPENCL_LANES (processors; 8 or 16, as many floats as a register holds) one work-item does a whole
 * group in lanes, as the native build does: global size groups, local size 1. Without (GPUs) an item is a work-item: global size groups *
 * GROUP_SIZE, local GROUP_SIZE. Built with -cl-fp32-correctly-rounded-divide-sqrt.
 */
#ifndef ASSAY_KERNELS_DIALECT_OPENCL_H
#define ASSAY_KERNELS_DIALECT_OPENCL_H

#pragma OPENCL FP_CONTRACT OFF
#pragma OPENCL EXTENSION cl_khr_fp64 : enable

/* A type there, and a fine name for a variable everywhere else. */
#define half half_number

typedef uint u32;
typedef int i32;
typedef ulong u64;
typedef long i64;

#define UNROLL_10 _Pragma("unroll 10")
#define UNROLL _Pragma("unroll")
#define FUNCTION static inline __attribute__((always_inline))
#define GLOBAL __global
#define COEFFICIENTS(name) __constant real name[]
#define FMA(a, b, c) fma((a), (b), (c))
#define SQRT(a) sqrt(a)
#define SQRT_NORMAL(a) SQRT(a)
#define DIVIDE_NORMAL(a, b) ((a) / (b))

#if REAL_BITS == 32
typedef float real;
typedef u32 real_u;
typedef i32 real_i;
#else
typedef double real;
typedef u64 real_u;
typedef i64 real_i;
#endif

#if defined(ASSAY_OPENCL_LANES)

#define LOCAL_ARRAY(type, name, n) type name[n] __attribute__((aligned(64)))
#define LOCAL_POINTER
#define BARRIER ((void)0)
#define LEADER
#define GROUP ((u32)get_global_id(0))
#define ITEMS(i) for (u32 i = 0; i < GROUP_SIZE; i += LANES)
/* Literal numbers, since they become parts of names. */
#define PASTE_NOW(a, b) a##b
#define PASTE(a, b) PASTE_NOW(a, b)
#if REAL_BITS == 32
#define LANES ASSAY_OPENCL_LANES
#elif ASSAY_OPENCL_LANES == 16
#define LANES 8
#else
#define LANES 4
#endif
#if LANES == 16
#define LANE_NUMBERS (U)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#elif LANES == 8
#define LANE_NUMBERS (U)(0, 1, 2, 3, 4, 5, 6, 7)
#else
#define LANE_NUMBERS (U)(0, 1, 2, 3)
#endif
typedef PASTE(double, LANES) D;
#if REAL_BITS == 32
typedef PASTE(float, LANES) R;
typedef PASTE(uint, LANES) U;
typedef PASTE(int, LANES) I;
#define BITS(r) PASTE(as_uint, LANES)(r)
#define REAL_OF(u) PASTE(as_float, LANES)(u)
#define INT_OF(u) PASTE(as_int, LANES)(u)
#define SMALL_TO_REAL(i) PASTE(convert_float, LANES)(i)
#define BIASED_TO_REAL(u, bias) PASTE(convert_float, LANES)(INT_OF(u) - (bias))
#define WIDEN(r) PASTE(convert_double, LANES)(r)
#else
typedef D R;
typedef PASTE(ulong, LANES) U;
typedef PASTE(long, LANES) I;
#define BITS(r) PASTE(as_ulong, LANES)(r)
#define REAL_OF(u) PASTE(as_double, LANES)(u)
#define INT_OF(u) PASTE(as_long, LANES)(u)
#define SMALL_TO_REAL(i) (REAL_OF(BITS(i) + (U)(0x4338000000000000ul)) - (R)(0x1.8p52))
#define BIASED_TO_REAL(u, bias) (REAL_OF((u) + (U)(0x4338000000000000ul)) - (R)(0x1.8p52 + (bias)))
#define WORDS_JOIN(high, low) ((high) << 32 | ((low)&0xFFFFFFFFu))
#define WIDEN(r) (r)
#endif
#define LANE(i) (LANE_NUMBERS + (U)(i))
#define LOAD(p, i) PASTE(vload, LANES)(0, (p) + (i))
#define STORE(p, i, r) PASTE(vstore, LANES)((r), 0, (p) + (i))
#define STORE_D(p, i, d) PASTE(vstore, LANES)((d), 0, (p) + (i))
typedef I M;
typedef U W;
#define ALL(x) ((R)(x))
#define ALL_U(x) ((U)(x))
#define ALL_W(x) ((U)(x))
#define ALL_D(x) ((D)(x))
#define SELECT(m, a, b) select((b), (a), (m))
#define SELECT_U(m, a, b) select((b), (a), (m))

FUNCTION double tree_sum(double *a) {
  for (u32 half_size = GROUP_SIZE / 2; half_size > 0; half_size /= 2) {
    for (u32 i = 0; i < half_size; i++) a[i] += a[i + half_size];
  }
  return a[0];
}

#define KERNEL_HEAD(name) __kernel void KERNEL_NAME(name)

#else /* one work-item an item */

#define LANES 1
#define LOCAL_ARRAY(type, name, n) __local type name[n]
#define LOCAL_POINTER __local
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#define LEADER if (get_local_id(0) == 0)
#define GROUP ((u32)get_group_id(0))
#define ITEMS(i) for (u32 i = (u32)get_local_id(0), i##_once = 1; i##_once; i##_once = 0)
#define LANE(i) (i)
typedef real R;
typedef real_u U;
typedef real_i I;
typedef int M;
typedef u32 W;
typedef double D;
#define ALL(x) ((real)(x))
#define ALL_U(x) ((real_u)(x))
#define ALL_W(x) ((u32)(x))
#define ALL_D(x) ((double)(x))
#define SELECT(m, a, b) ((m) ? (a) : (b))
#define SELECT_U(m, a, b) ((m) ? (a) : (b))
#define WIDEN(r) ((double)(r))
#define INT_OF(u) ((I)(u))
#define SMALL_TO_REAL(i) ((real)(i))
#define BIASED_TO_REAL(u, bias) ((real)((i32)(u) - (bias)))
#define WORDS_JOIN(high, low) ((u64)(high) << 32 | (low))
#if REAL_BITS == 32
#define BITS(r) as_uint(r)
#define REAL_OF(u) as_float(u)
#else
#define BITS(r) as_ulong(r)
#define REAL_OF(u) as_double(u)
#endif
#define LOAD(p, i) ((p)[i])
#define STORE(p, i, r) ((void)((p)[i] = (r)))
#define STORE_D(p, i, d) ((void)((p)[i] = (d)))

FUNCTION double tree_sum(__local double *a) {
  barrier(CLK_LOCAL_MEM_FENCE);
  u32 i = (u32)get_local_id(0);
  for (u32 half_size = GROUP_SIZE / 2; half_size > 0; half_size /= 2) {
    if (i < half_size) a[i] += a[i + half_size];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  return a[0];
}

#define KERNEL_HEAD(name) __kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void KERNEL_NAME(name)

#endif

FUNCTION R r_min(R a, R b) { return SELECT(a < b, a, b); }
FUNCTION R r_max(R a, R b) { return SELECT(a > b, a, b); }

#if REAL_BITS == 32
#define KERNEL_NAME(name) assay_kernel_##name##_f32
#else
#define KERNEL_NAME(name) assay_kernel_##name##_f64
#endif
#define KERNEL1(name, P, T0, b0) KERNEL_HEAD(name)(const P p, T0 b0)
#define KERNEL2(name, P, T0, b0, T1, b1) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1)
#define KERNEL3(name, P, T0, b0, T1, b1, T2, b2) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2)
#define KERNEL4(name, P, T0, b0, T1, b1, T2, b2, T3, b3) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2, T3 b3)
#define KERNEL5(name, P, T0, b0, T1, b1, T2, b2, T3, b3, T4, b4) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4)
#define KERNEL6(name, P, T0, b0, T1, b1, T2, b2, T3, b3, T4, b4, T5, b5) \
  KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4, T5 b5)

#endif
