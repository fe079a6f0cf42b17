// SPDX-License-Identifier: GPL-2.0-only
/*
 * core_kdump.c - a dump in makedumpfile's compressed format, version 6, and in its
 * flattened one. Block 0 is the header, block 1 the sub-header, then the notes, two
 * bitmaps (which frames are RAM, which are dumped), a descriptor for each
 * dumped frame, the frames.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/core_internal.h"

enum { BLOCK = 4096 };

struct kdump_header {
	char signature[8];
	int32_t version;
	char utsname[6][65];
	char padding[6];
	int64_t time[2];
	uint32_t status, block_size, sub_header_blocks, bitmap_blocks, max_mapnr;
	uint32_t total_ram, device_blocks, written, current_cpu, cpus;
};

struct kdump_sub_header {
	uint64_t phys_base;
	int32_t dump_level, split;
	uint64_t start_pfn, end_pfn;
	uint64_t vmcoreinfo, vmcoreinfo_size, note, note_size, erase, erase_size;
	uint64_t start_pfn_64, end_pfn_64, max_mapnr_64;
};

struct kdump_page {
	uint64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

static size_t blocks(size_t bytes)
{
	return (bytes + BLOCK - 1) / BLOCK;
}

uint8_t *core_file_kdump(const struct core_file *f, size_t *size)
{
	size_t notes_size, frames = 0, end = 0, bitmap, at, page;
	uint8_t *notes = core_notes(f, &notes_size), *bytes;
	struct kdump_header header = { .signature = "KDUMP  ", .version = 6 };
	struct kdump_sub_header sub = { .note = BLOCK + sizeof(sub), .note_size = notes_size };

	header.signature[7] = ' ';
	strcpy(header.utsname[0], "Linux");
	strcpy(header.utsname[2], "6.1.0");
	strcpy(header.utsname[4], "x86_64");
	_Static_assert(sizeof(struct kdump_header) == 464, "the header's layout");
	for (size_t i = 0; i < f->segment_count; i++) {
		const struct core_segment *s = &f->segments[i];

		frames += s->in_file / PT_FRAME_SIZE;
		if ((s->gpa + s->size) / PT_FRAME_SIZE > end)
			end = (s->gpa + s->size) / PT_FRAME_SIZE;
	}
	bitmap = blocks((end + 7) / 8);
	header.block_size = BLOCK;
	header.sub_header_blocks = (uint32_t)blocks(sizeof(sub) + notes_size);
	header.bitmap_blocks = (uint32_t)bitmap * 2;
	header.max_mapnr = (uint32_t)end;
	header.cpus = f->vcpu_count;
	sub.max_mapnr_64 = sub.end_pfn_64 = end;
	at = (1 + header.sub_header_blocks) * (size_t)BLOCK;
	page = at + 2 * bitmap * BLOCK;
	*size = page + frames * (sizeof(struct kdump_page) + PT_FRAME_SIZE);
	bytes = calloc(1, *size);
	if (!bytes)
		core_misuse("out of memory");
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + BLOCK, &sub, sizeof(sub));
	memcpy(bytes + sub.note, notes, notes_size);
	free(notes);
	/* Segments are sorted and whole frames here; zeros are left out of the second map. */
	for (size_t i = 0, n = 0; i < f->segment_count; i++) {
		const struct core_segment *s = &f->segments[i];

		for (uint64_t done = 0; done < s->size; done += PT_FRAME_SIZE) {
			uint64_t pfn = (s->gpa + done) / PT_FRAME_SIZE;
			struct kdump_page p = {
				.offset = page + frames * sizeof(p) + n * PT_FRAME_SIZE,
				.size = PT_FRAME_SIZE,
			};

			bytes[at + pfn / 8] |= (uint8_t)(1u << pfn % 8);
			if (done >= s->in_file)
				continue;
			bytes[at + bitmap * BLOCK + pfn / 8] |= (uint8_t)(1u << pfn % 8);
			memcpy(bytes + page + n++ * sizeof(p), &p, sizeof(p));
			memcpy(bytes + p.offset, s->bytes + done, PT_FRAME_SIZE);
		}
	}
	return bytes;
}

static size_t put_head(uint8_t *to, uint64_t offset, uint64_t size)
{
	uint64_t head[2] = { htobe64(offset), htobe64(size) };

	memcpy(to, head, sizeof(head));
	return sizeof(head);
}

uint8_t *core_file_flatten(const uint8_t *bytes, size_t size, size_t piece, size_t *flat_size)
{
	size_t pieces = (size + piece - 1) / piece, at = BLOCK;
	uint8_t *flat = calloc(1, BLOCK + size + (pieces + 1) * 16);

	if (!flat)
		core_misuse("out of memory");
	memcpy(flat, "makedumpfile", 12);
	put_head(flat + 16, 1, 1);
	/* The last piece first: they may come in any order. */
	for (size_t i = pieces; i-- > 0;) {
		size_t n = i + 1 == pieces ? size - i * piece : piece;

		at += put_head(flat + at, i * piece, n);
		memcpy(flat + at, bytes + i * piece, n);
		at += n;
	}
	at += put_head(flat + at, UINT64_MAX, UINT64_MAX);
	*flat_size = at;
	return flat;
}
