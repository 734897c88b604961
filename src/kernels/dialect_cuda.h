/* SPDX-License-Identifier: MIT */
/* The dialect as CUDA: an item is a thread. Compiled with -fmad=false, so that only what is written FMA is one. */
#ifndef ASSAY_KERNELS_DIALECT_CUDA_H
#define ASSAY_KERNELS_DIALECT_CUDA_H

typedef unsigned int u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

#define UNROLL_10 _Pragma("unroll 10")
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("unroll 1")
#define FUNCTION static __device__ __forceinline__
#define GLOBAL
/* An operation takes an operand from constant memory for nothing; a double in the code costs two instructions. */
#define COEFFICIENTS(name) static __constant__ real name[]
#define LANES 1
#define LOCAL_ARRAY(type, name, n) __shared__ type name[n]
#define LOCAL_POINTER
#define BARRIER __syncthreads()
#define LEADER if (threadIdx.x == 0)
#define GROUP blockIdx.x
#define ITEMS(i) for (u32 i = threadIdx.x, i##_once = 1; i##_once; i##_once = 0)
#define LANE(i) (i)

#if REAL_BITS == 32
typedef float real;
typedef u32 real_u;
typedef i32 real_i;
#define FMA(a, b, c) __fmaf_rn((a), (b), (c))
#define SQRT(a) __fsqrt_rn(a)
#define ABSOLUTE(r) fabsf(r)
#define BITS(r) __float_as_uint(r)
#define REAL_OF(u) __uint_as_float(u)
#else
typedef double real;
typedef u64 real_u;
typedef i64 real_i;
#define FMA(a, b, c) __fma_rn((a), (b), (c))
#define SQRT(a) __dsqrt_rn(a)
#define ABSOLUTE(r) fabs(r)
#define BITS(r) ((u64)__double_as_longlong(r))
#define REAL_OF(u) __longlong_as_double((i64)(u))
#endif
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
#define SMALL_TO_REAL(i) ((real)(i32)(i))
#define BIASED_TO_REAL(u, bias) ((real)((i32)(u) - (bias)))
#define WORDS_JOIN(high, low) ((u64)(high) << 32 | (low))
#define LOAD(p, i) ((p)[i])
#define STORE(p, i, r) ((void)((p)[i] = (r)))
#define STORE_D(p, i, d) ((void)((p)[i] = (d)))

/*
 * Correctly rounded too, without the branch for what is far from 1 (what the compiler does when that branch is not taken: an approximation
 * from the hardware, Newton's steps, and Markstein's last one from the exact remainder).
 */
#if REAL_BITS == 32
FUNCTION float sqrt_normal(float a) {
  float r;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
  float root = __fmul_rn(a, r), half_r = __fmul_rn(r, 0.5f);
  return __fmaf_rn(__fmaf_rn(-root, root, a), half_r, root);
}
#define SQRT_NORMAL(a) sqrt_normal(a)
#define DIVIDE_NORMAL(a, b) ((a) / (b))
#define SQRT_WIDE(a) SQRT(a)
#else
/* Right for b from 2^-500 to 2^500 and whatever a, where the quotient is 2^-400 at least; what is less may differ in its last bits. */
FUNCTION double divide_normal(double a, double b) {
  double y;
  asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(y) : "d"(b));
  double e = __fma_rn(-b, y, 1.0);
  e = __fma_rn(e, e, e);
  y = __fma_rn(y, e, y);
  y = __fma_rn(y, __fma_rn(-b, y, 1.0), y);
  double q = __dmul_rn(a, y);
  return __fma_rn(__fma_rn(-b, q, a), y, q);
}
FUNCTION double sqrt_normal(double a) {
  double r;
  asm("rsqrt.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(a));
  double e = __fma_rn(a, -__dmul_rn(r, r), 1.0);
  r = __fma_rn(__fma_rn(e, 0.375, 0.5), __dmul_rn(e, r), r);
  double root = __dmul_rn(a, r), half_r = __dmul_rn(r, 0.5);
  root = __fma_rn(__fma_rn(-root, root, a), half_r, root);
  return __fma_rn(__fma_rn(-root, root, a), half_r, root);
}
#define SQRT_NORMAL(a) sqrt_normal(a)
#define DIVIDE_NORMAL(a, b) divide_normal((a), (b))

/* Small ones first become larger by a power of two, which changes no bit, so that no remainder falls below the smallest number. */
FUNCTION double sqrt_wide(double a) {
  int small = __double2hiint(a) < 0x20000000; /* 2^-511 */
  double root = sqrt_normal(small ? a * 0x1p600 : a);
  root = small ? root * 0x1p-300 : root;
  return a == 0 ? a : root;
}
#define SQRT_WIDE(a) sqrt_wide(a)
#endif

/*
 * From global memory to the group's own without waiting: what this thread copied is there once no more than `left` of its COPIES_ENDED came
 * after it. Places there are numbers, in bytes.
 */
typedef u32 local_place;
#define LOCAL_PLACE_OF(p) ((u32)__cvta_generic_to_shared(p))
FUNCTION real local_at(local_place place) {
  real r;
#if REAL_BITS == 32
  asm volatile("ld.shared.f32 %0, [%1];" : "=f"(r) : "r"(place) : "memory");
#else
  asm volatile("ld.shared.f64 %0, [%1];" : "=d"(r) : "r"(place) : "memory");
#endif
  return r;
}
#define LOCAL_AT(place, offset) local_at((place) + (offset))
#if __CUDA_ARCH__ >= 800
#define COPY_TO_LOCAL(place, from) \
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(place), "l"(from), "n"(sizeof(real)) : "memory")
#define COPIES_ENDED asm volatile("cp.async.commit_group;" ::: "memory")
#define COPIES_WAIT(left) asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory")
#else
#define COPY_TO_LOCAL(place, from) (*(real *)__cvta_shared_to_generic(place) = *(from))
#define COPIES_ENDED ((void)0)
#define COPIES_WAIT(left) ((void)0)
#endif

/* The backend starts a kernel early only where its code has the wait (backend.c). */
#if __CUDA_ARCH__ >= 900
#define FOLLOWS asm volatile("griddepcontrol.wait;" ::: "memory")
#define MAY_FOLLOW asm volatile("griddepcontrol.launch_dependents;" ::: "memory")
#endif

FUNCTION R r_min(R a, R b) { return a < b ? a : b; }
FUNCTION R r_max(R a, R b) { return a > b ? a : b; }

/* The last five steps of the tree need no barrier: they happen within one warp. */
FUNCTION double tree_sum(double *a) {
  __syncthreads();
  u32 i = threadIdx.x;
  for (u32 half = GROUP_SIZE / 2; half >= 32; half /= 2) {
    if (i < half) a[i] += a[i + half];
    __syncthreads();
  }
  if (i < 32) {
    double sum = a[i];
    for (u32 half = 16; half > 0; half /= 2) sum += __shfl_down_sync(0xFFFFFFFFu, sum, half);
    if (i == 0) a[0] = sum;
  }
  __syncthreads();
  return a[0];
}

#if REAL_BITS == 32
#define KERNEL_NAME(name) assay_kernel_##name##_f32
#else
#define KERNEL_NAME(name) assay_kernel_##name##_f64
#endif
#define KERNEL_HEAD(name) extern "C" __global__ void __launch_bounds__(GROUP_SIZE) KERNEL_NAME(name)
#define KERNEL1(name, P, T0, b0) KERNEL_HEAD(name)(const P p, T0 b0)
#define KERNEL2(name, P, T0, b0, T1, b1) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1)
#define KERNEL3(name, P, T0, b0, T1, b1, T2, b2) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2)
#define KERNEL3_AT_ONCE(groups, name, P, T0, b0, T1, b1, T2, b2) \
  extern "C" __global__ void __launch_bounds__(GROUP_SIZE, groups) KERNEL_NAME(name)(const P p, T0 b0, T1 b1, T2 b2)
#define KERNEL4(name, P, T0, b0, T1, b1, T2, b2, T3, b3) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2, T3 b3)
#define KERNEL5(name, P, T0, b0, T1, b1, T2, b2, T3, b3, T4, b4) KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4)
#define KERNEL6(name, P, T0, b0, T1, b1, T2, b2, T3, b3, T4, b4, T5, b5) \
  KERNEL_HEAD(name)(const P p, T0 b0, T1 b1, T2 b2, T3 b3, T4 b4, T5 b5)

#endif
