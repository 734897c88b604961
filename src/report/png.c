/* SPDX-License-Identifier: MIT */
/*
 * SVG to PNG through librsvg, which is loaded when the first picture is wanted. Its few functions are declared here as its documentation
 * gives them (they are the stable ABI of librsvg-2.so.2 and libcairo.so.2), so that building Assay does not need half a desktop's headers.
 */
#include <assay/report.h>

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "os/library.h"

enum { ARGB32 = 0, CAIRO_OK = 0, CAIRO_NO_MEMORY = 1, MOST_PIXELS = 32000 };

typedef struct rectangle {
  double x, y, width, height;
} rectangle;

typedef int (*write_function)(void *closure, const unsigned char *data, unsigned length);

/* Prototypes only: nothing defines these here, the table below holds their addresses. */
void *rsvg_handle_new_from_data(const unsigned char *data, size_t length, void **error);
int rsvg_handle_get_intrinsic_size_in_pixels(void *handle, double *width, double *height);
int rsvg_handle_render_document(void *handle, void *cairo, const rectangle *viewport, void **error);
void *cairo_image_surface_create(int format, int width, int height);
void *cairo_create(void *surface);
int cairo_surface_write_to_png_stream(void *surface, write_function write, void *closure);
void cairo_destroy(void *cairo);
void cairo_surface_destroy(void *surface);
int cairo_surface_status(void *surface);
void g_object_unref(void *object);

/* librsvg brings the others along; each is found through it. */
#define RSVG_FUNCTIONS(X)                     \
  X(rsvg_handle_new_from_data)                \
  X(rsvg_handle_get_intrinsic_size_in_pixels) \
  X(rsvg_handle_render_document)              \
  X(cairo_image_surface_create)               \
  X(cairo_create)                             \
  X(cairo_surface_write_to_png_stream)        \
  X(cairo_destroy)                            \
  X(cairo_surface_destroy)                    \
  X(cairo_surface_status)                     \
  X(g_object_unref)

typedef struct rsvg_table {
  ASSAY_LIBRARY_TABLE(RSVG_FUNCTIONS)
} rsvg_table;

static assay_status load(rsvg_table *rsvg, assay_error *err) {
  static const char *const names[] = {"librsvg-2.so.2", "librsvg-2.2.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(RSVG_FUNCTIONS) NULL};
  return assay_library_load(names, symbols, (void **)rsvg, "a picture as PNG", "librsvg2-2", err);
}

static int append(void *closure, const unsigned char *data, unsigned length) {
  assay_buf *out = closure;
  assay_buf_append(out, (const char *)data, length);
  return out->failed ? CAIRO_NO_MEMORY : CAIRO_OK;
}

static assay_status paint(const rsvg_table *rsvg, void *handle, double scale, assay_buf *out, assay_error *err) {
  double width = 0, height = 0;
  if (!rsvg->rsvg_handle_get_intrinsic_size_in_pixels(handle, &width, &height) || !(width > 0) || !(height > 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the picture has no size in pixels");
  rectangle all = {.width = ceil(width * scale), .height = ceil(height * scale)};
  if (all.width > MOST_PIXELS || all.height > MOST_PIXELS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "a PNG of %.0f x %.0f pixels is too large (at most %d a side)", all.width, all.height,
                      MOST_PIXELS);
  void *surface = rsvg->cairo_image_surface_create(ARGB32, (int)all.width, (int)all.height), *cairo = rsvg->cairo_create(surface);
  assay_status status = ASSAY_OK;
  if (rsvg->cairo_surface_status(surface) != CAIRO_OK || !rsvg->rsvg_handle_render_document(handle, cairo, &all, NULL) ||
      rsvg->cairo_surface_write_to_png_stream(surface, append, out) != CAIRO_OK)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "the picture could not be painted (%.0f x %.0f pixels)", all.width, all.height);
  rsvg->cairo_destroy(cairo);
  rsvg->cairo_surface_destroy(surface);
  return status;
}

assay_status assay_report_png(const char *svg, double scale, assay_error *err, char **png, size_t *length) {
  rsvg_table rsvg;
  assay_buf out = {0};
  assay_status status = load(&rsvg, err);
  if (status != ASSAY_OK) return status;
  void *handle = rsvg.rsvg_handle_new_from_data((const unsigned char *)svg, strlen(svg), NULL);
  if (handle == NULL) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "the picture is no SVG that librsvg reads");
  status = paint(&rsvg, handle, scale > 0 ? scale : 2, &out, err);
  rsvg.g_object_unref(handle);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a picture");
  size_t bytes = out.length;
  char *data = status == ASSAY_OK ? assay_buf_take(&out) : NULL;
  assay_buf_deinit(&out);
  if (data == NULL) return status != ASSAY_OK ? status : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a picture");
  *png = data;
  *length = bytes;
  return ASSAY_OK;
}
