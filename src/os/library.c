/* SPDX-License-Identifier: MIT */
#include "os/library.h"

#include <dlfcn.h>

#include "base/buf.h"

static void *open_first(const char *const *names, assay_buf *said) {
  for (const char *const *name = names; *name != NULL; name++) {
    void *library = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) return library;
    const char *problem = dlerror();
    if (said->length == 0) assay_buf_puts(said, problem != NULL ? problem : *name); /* the first name is the usual one */
  }
  return NULL;
}

assay_status assay_library_load(const char *const *names, const char *const *symbols, void **table, const char *purpose,
                                const char *package, assay_error *err) {
  assay_buf said = {0};
  void *library = open_first(names, &said);
  assay_status status = ASSAY_OK;
  if (library == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s needs a library that cannot be loaded (%s); on Debian it is in the package %s",
                        purpose, said.data != NULL ? said.data : names[0], package);
  assay_buf_deinit(&said);
  for (size_t i = 0; status == ASSAY_OK && symbols[i] != NULL; i++) {
    table[i] = dlsym(library, symbols[i]);
    if (table[i] == NULL)
      status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s needs a newer %s: it has no %s", purpose, names[0], symbols[i]);
  }
  return status;
}
