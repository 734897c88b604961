/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"
#include "market/feeds/json.h"

#define READ_NEXT assay_binance_next_avx2
#include "market/feeds/json_read.h"
