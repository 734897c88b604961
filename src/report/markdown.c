/* SPDX-License-Identifier: MIT */
#include "report/render.h"
void assay_report_markdown(const assay_render *r) { assay_buf_puts(r->out, "\n"); }
