/* SPDX-License-Identifier: MIT */
/*
 * What the blocks of one benchmark say, and whether they are enough. docs/ab.md derives it. Pure.
 *
 * A block is A B B A or B A A B. Its step is the mean logarithm of both B less that of both A: a difference in which a steady drift
 * cancels, and whose sign was drawn by lot if A and B are the same. The first two blocks have one lot: the second is the mirror of the
 * first.
 */
#ifndef ASSAY_RUN_AB_RULE_H
#define ASSAY_RUN_AB_RULE_H

#include <assay/stats.h>

/* Steps are logarithms of ratios: 0.02 is about +2 %. */
typedef struct assay_ab_view {
  size_t blocks;
  double step;         /* the middle of the steps; NaN without any */
  assay_interval ci;   /* 95 %; infinite while so few blocks say nothing */
  assay_interval sure; /* 99.8 %: what "same" rests on */
  double reach;        /* half the width that `sure` has if the lots alone made the signs: from the sizes of the steps, never their signs */
  double p;            /* of "no change", two-sided; 1 while nothing is known */
  double error;        /* standard error, roughly: the 95 % interval's half width in units of its quantile */
  double df;           /* degrees of freedom of that quantile; infinite: normal */
} assay_ab_view;

typedef struct assay_ab_rule {
  double detect; /* a step */
  double alpha;  /* false alarms, of one benchmark in the whole sequence of looks */
} assay_ab_rule;

/* How far the measuring of one benchmark is; zero to begin. */
typedef struct assay_ab_stage {
  size_t next_look;
  unsigned looks;
  bool clear;     /* different beyond doubt at some look */
  double clear_p; /* of that look */
  bool narrow;    /* the first width was reached and did not decide */
  bool finished;
} assay_ab_stage;

/* Looks at all blocks so far. */
assay_status assay_ab_look(const double *steps, size_t count, assay_ab_view *view);
/* Feeds the view after a block; sets stage->finished when more blocks are not needed. */
void assay_ab_advance(const assay_ab_rule *rule, const assay_ab_view *view, assay_ab_stage *stage);
/* The p-value with all looks paid for: compare it with alpha. */
double assay_ab_paid_p(const assay_ab_view *view, const assay_ab_stage *stage);
/* Nothing was found (`different` false) and no difference of half of detect or more can be there; or something was, which is surely less
 * than a quarter. (With one limit for both, a real half of detect would be "same" whenever it measures as a little less.) */
bool assay_ab_is_same(const assay_ab_rule *rule, const assay_ab_view *view, bool different);
/* How many blocks there will probably be when it is finished. */
double assay_ab_foresee(const assay_ab_rule *rule, const assay_ab_view *view, const assay_ab_stage *stage);
/* The step that so many blocks find in four of five cases. */
double assay_ab_detectable(const assay_ab_rule *rule, const assay_ab_view *view);

#endif
