/* SPDX-License-Identifier: MIT */
/* Getting an hwloc topology of a source. */
#ifndef ASSAY_MACHINE_TOPOLOGY_LOAD_H
#define ASSAY_MACHINE_TOPOLOGY_LOAD_H

#include <hwloc.h>

#include "machine/source.h"

/*
 * Live: in this process. A tree: hwloc parses it in a child process under limits of time, memory and files, because a capture may be
 * hostile; the child's crash or hang is an error here. The topology holds disallowed CPUs and NUMA nodes too. Free with
 * hwloc_topology_destroy.
 */
assay_status assay_topology_load(const assay_source *source, assay_error *err, hwloc_topology_t *topology);

#endif
