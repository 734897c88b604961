/* SPDX-License-Identifier: MIT */
/* Where a history's address is a URL, and what of it may be shown. Pure text; no library is needed. */
#ifndef ASSAY_HISTORY_URL_H
#define ASSAY_HISTORY_URL_H

#include <assay/history.h>

/* A password stands in it, before the host or as a parameter. */
bool assay_url_has_secret(const char *url);
/* What stands before the host is cut by a character that should have been written as %XX, so a part of the password would be taken for
 * something that is shown. */
bool assay_url_hides_more(const char *url);

#endif
