/* SPDX-License-Identifier: MIT */
/* assay feed match: where events go, a file that stands in its place when all is well, and their hash. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/feed_match.h"
#include "os/library.h"

#define HASH_FUNCTIONS(X) X(EVP_MD_CTX_new) X(EVP_MD_CTX_free) X(EVP_sha256) X(EVP_DigestInit_ex) X(EVP_DigestUpdate) X(EVP_DigestFinal_ex)
static struct { ASSAY_LIBRARY_TABLE(HASH_FUNCTIONS) } evp;

/* With the system's reason, such as a disk that is full. */
static void cannot_write(assay_match_job *j, const assay_match_output *out, int code) {
  const char *name = strcmp(out->path, "-") == 0 ? "standard output" : out->path;
  if (j->status == ASSAY_OK) j->status = ASSAY_FAIL_ERRNO(j->err, code, "cannot write %s", name);
}

void assay_match_write(assay_match_job *j, assay_match_output *out, const void *bytes, size_t size) {
  if (out->hash != NULL && evp.EVP_DigestUpdate(out->hash, bytes, size) != 1 && j->status == ASSAY_OK)
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_INTERNAL, "libcrypto cannot hash the events");
  if (out->file == NULL || j->status != ASSAY_OK || fwrite(bytes, 1, size, out->file) == size) return;
  cannot_write(j, out, errno);
}

assay_status assay_match_load_hash(assay_error *err) {
  static const char *const names[] = {"libcrypto.so.3", "libcrypto.3.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(HASH_FUNCTIONS)
                                                                                                            NULL};
  return assay_library_load(names, symbols, (void **)&evp, "the hash of events", "libssl3", err);
}

static assay_status open_draft(assay_match_job *j, assay_match_output *out) {
  assay_status status = assay_os_draft_open(out->path, j->err, &out->draft);
  if (status != ASSAY_OK) return status;
  out->has_draft = true;
  const int fd = fcntl(out->draft.fd, F_DUPFD_CLOEXEC, 0);
  out->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
  if (out->file != NULL) return ASSAY_OK;
  if (fd >= 0) close(fd);
  return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", out->path);
}

assay_status assay_match_open(assay_match_job *j, assay_match_output *out, const char *path, bool has_hash) {
  struct stat there;
  out->path = path;
  if (has_hash && ((out->hash = evp.EVP_MD_CTX_new()) == NULL || evp.EVP_DigestInit_ex(out->hash, evp.EVP_sha256(), NULL) != 1))
    return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "no memory for the hash of events");
  if (path == NULL) return ASSAY_OK;
  const bool is_stdout = strcmp(path, "-") == 0;
  if (!is_stdout && (stat(path, &there) != 0 || S_ISREG(there.st_mode))) return open_draft(j, out);
  out->file = is_stdout ? stdout : fopen(path, "wb"); /* a device or a pipe is written through */
  return out->file != NULL ? ASSAY_OK : ASSAY_FAIL_ERRNO(j->err, errno, "cannot write %s", path);
}

void assay_match_finish(assay_match_job *j, assay_match_output *out) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (out->hash != NULL && evp.EVP_DigestFinal_ex(out->hash, digest, &size) == 1)
    for (unsigned i = 0; i < size && 2 * i + 2 < ASSAY_MATCH_HASH_TEXT; i++) snprintf(out->text + (size_t)2 * i, 3, "%02x", digest[i]);
  if (out->hash != NULL) evp.EVP_MD_CTX_free(out->hash);
  if (out->file != NULL) {
    bool is_written = out->file == stdout ? fflush(stdout) == 0 : fclose(out->file) == 0;
    if (!is_written) cannot_write(j, out, errno);
  }
  if (!out->has_draft) return;
  if (j->status == ASSAY_OK)
    j->status = assay_os_draft_put(&out->draft, j->err);
  else
    assay_os_draft_drop(&out->draft);
}
