/* SPDX-License-Identifier: MIT */
/*
 * libarchive, loaded when a capture is read or made: with the XML and Unicode libraries it brings along it would cost every fresh process
 * of a benchmark more than a millisecond.
 */
#ifndef ASSAY_MACHINE_ARCHIVE_H
#define ASSAY_MACHINE_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "os/library.h"

#define ASSAY_LIBARCHIVE(X)                  \
  X(archive_entry_clear)                     \
  X(archive_entry_filetype)                  \
  X(archive_entry_free)                      \
  X(archive_entry_hardlink)                  \
  X(archive_entry_new)                       \
  X(archive_entry_pathname)                  \
  X(archive_entry_set_filetype)              \
  X(archive_entry_set_mtime)                 \
  X(archive_entry_set_pathname)              \
  X(archive_entry_set_perm)                  \
  X(archive_entry_set_size)                  \
  X(archive_entry_set_symlink)               \
  X(archive_entry_size)                      \
  X(archive_entry_size_is_set)               \
  X(archive_entry_symlink)                   \
  X(archive_error_string)                    \
  X(archive_read_data)                       \
  X(archive_read_free)                       \
  X(archive_read_new)                        \
  X(archive_read_next_header)                \
  X(archive_read_open_memory)                \
  X(archive_read_support_filter_bzip2)       \
  X(archive_read_support_filter_gzip)        \
  X(archive_read_support_filter_xz)          \
  X(archive_read_support_filter_zstd)        \
  X(archive_read_support_format_tar)         \
  X(archive_set_error)                       \
  X(archive_write_add_filter_gzip)           \
  X(archive_write_close)                     \
  X(archive_write_data)                      \
  X(archive_write_free)                      \
  X(archive_write_header)                    \
  X(archive_write_new)                       \
  X(archive_write_open)                      \
  X(archive_write_set_bytes_in_last_block)   \
  X(archive_write_set_format_pax_restricted) \
  X(archive_write_set_options)

typedef struct assay_libarchive_table {
  ASSAY_LIBRARY_TABLE(ASSAY_LIBARCHIVE)
} assay_libarchive_table;

/* Empty before assay_libarchive_load was ASSAY_OK; filled once, from one thread. */
extern assay_libarchive_table assay_libarchive;
assay_status assay_libarchive_load(assay_error *err);

#endif
