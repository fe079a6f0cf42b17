/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ptmm.h - the one public header of libptmm.
 *
 * A program that links libptmm.a includes this and nothing else. The order is
 * the order in which the data flows:
 *
 *   struct machine   the guest's memory and registers (the caller makes one)
 *   struct profile   its kernel's symbols and types: profile_from_elf()
 *   struct kernel    tasks, mms, pages: kernel_open()
 *   struct census    every table page, its owner, a verdict: census_take()
 *   struct findings  broken invariants: check_run()
 *   report_write()   all of it as text, JSON or JSON lines
 *
 * What goes wrong is told in a `struct err`; the library never exits or prints.
 */
#ifndef PTMM_H
#define PTMM_H

#include "arch/arch.h"
#include "arch/x86/x86.h"
#include "walker/err.h"
#include "walker/machine.h"
#include "walker/table/table.h"
#include "walker/table/translate.h"
#include "walker/table/walk.h"
#include "walker/table/cursor.h"
#include "walker/profile/profile.h"
#include "walker/kernel/kernel.h"
#include "walker/owner/owner.h"
#include "walker/check/check.h"
#include "walker/inject/inject.h"
#include "walker/report/report.h"

#endif
