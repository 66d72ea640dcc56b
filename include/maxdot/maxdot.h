/* maxdot from C (C99), and from every language that calls C: the exact top-k items for embeddings.
 *
 *   maxdot_index* index = NULL;
 *   if (maxdot_open("items.maxdot", NULL, &index) != MAXDOT_OK) puts(maxdot_error_text());
 *   maxdot_matrix query = {vector, MAXDOT_F32, 1, 128, 0};
 *   int64_t ids[10];
 *   double scores[10];
 *   if (maxdot_search(index, &query, 10, NULL, ids, scores, NULL) != MAXDOT_OK) ...
 *   maxdot_close(index);
 *
 * Rules, for all functions:
 * - A function returns a status, MAXDOT_OK = 0 or what went wrong. maxdot_error_text() then says
 *   what, in one line, for the calling thread.
 * - Nothing throws, aborts, prints or exits; pthread_cancel of a thread is put off until its call
 *   returns. Each function may be called from any thread; any number
 *   of threads may use one index at once.
 * - Memory for results is the caller's, except where a function makes a handle. A handle is given
 *   back by its own function; a null handle may be given back and is ignored.
 * - An options struct begins with struct_size, its size as the caller was compiled, and otherwise
 *   holds zeros for defaults: MAXDOT_INIT does both. Later versions add members at its end, so a
 *   caller need not be compiled again. A null pointer stands for defaults.
 * - The answer is the same bits whatever the threads, the batch, and the instruction set.
 *
 * This header is a promise: functions, constants and members are added, never changed or taken away,
 * while the library's soname stays (docs/embedding.md).
 */
#ifndef MAXDOT_MAXDOT_H
#define MAXDOT_MAXDOT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAXDOT_C_API __attribute__((visibility("default")))
#else
#define MAXDOT_C_API
#endif

/* ---- Versions ------------------------------------------------------------------------------ */

/* Of the library that is loaded: "0.1.0". Never null, lives as long as the process. Of this header:
 * MAXDOT_VERSION_MAJOR, MAXDOT_VERSION_MINOR, MAXDOT_VERSION_PATCH. */
MAXDOT_C_API const char* maxdot_version(void);

/* ---- Errors -------------------------------------------------------------------------------- */

typedef enum maxdot_status {
  MAXDOT_OK = 0,
  MAXDOT_INVALID_ARGUMENT = 1,  /* arguments that do not fit: shape, k, option, null pointer */
  MAXDOT_INVALID_DATA = 2,      /* a value that no ranking can use: NaN, Inf, a duplicate id */
  MAXDOT_IO = 3,                /* the operating system refused: open, read, write, sync, rename */
  MAXDOT_BAD_FORMAT = 4,        /* a file is not what its header says, or is cut short */
  MAXDOT_UNSUPPORTED = 5,       /* valid, but this version or machine cannot serve it */
  MAXDOT_OUT_OF_MEMORY = 6,     /* an allocation failed; nothing was changed */
  MAXDOT_CHECKSUM_MISMATCH = 7, /* a file's payload differs from its checksum */
  MAXDOT_CANCELLED = 8,         /* somebody cancelled the call */
  MAXDOT_TIMEOUT = 9,           /* the call was not done in the time that it was given */
  MAXDOT_OVERLOADED = 10,       /* more waits already than may; ask again later */
  MAXDOT_INTERNAL = 100         /* a defect of the library; please report it */
} maxdot_status;

/* What the calling thread's last failed call said: which argument, file, row or value, what is
 * wrong, and what to do. "" before any failure; never null. Valid until the thread's next failed
 * call; longer texts are cut at 8,191 bytes. Where there is no memory to keep it, the text says so,
 * the path is "" and the place -1; the status is right. */
MAXDOT_C_API const char* maxdot_error_text(void);

/* Where in the caller's data that error is, counted from 0; -1 where it has no such place. Either
 * pointer may be null. */
MAXDOT_C_API void maxdot_error_place(int64_t* row, int64_t* column);

/* The file that the failed call was about; "" if it was about none. Never null. Valid until the
 * thread's next failed call; longer ones are cut at 4,095 bytes. */
MAXDOT_C_API const char* maxdot_error_path(void);

/* "MAXDOT_TIMEOUT" and the like; "unknown" for no value of maxdot_status. */
MAXDOT_C_API const char* maxdot_status_name(int status);

/* ---- Options ------------------------------------------------------------------------------- */

/* Sets a struct to its defaults. */
#define MAXDOT_INIT(options) \
  (memset(&(options), 0, sizeof(options)), (options).struct_size = sizeof(options))

typedef enum maxdot_metric {
  MAXDOT_DEFAULT_METRIC = 0, /* to build: cosine; to search: the index's own */
  MAXDOT_DOT = 1,            /* the largest dot product is best */
  MAXDOT_COSINE = 2,         /* the largest cosine */
  MAXDOT_EUCLIDEAN = 3       /* the smallest distance */
} maxdot_metric;

typedef enum maxdot_dtype {
  MAXDOT_F32 = 1, /* IEEE 754 binary32 */
  MAXDOT_F16 = 2  /* IEEE 754 binary16 */
} maxdot_dtype;

/* What scores are. */
typedef enum maxdot_score_kind {
  MAXDOT_SCORES = 0, /* dot products, cosines, or distances */
  MAXDOT_KEYS = 1    /* what orders results, larger is better; maxdot_merge needs them */
} maxdot_score_kind;

/* Where the rows of an open index are. */
typedef enum maxdot_row_place {
  MAXDOT_ROWS_IN_MEMORY = 0, /* mapped: read when they are first touched */
  MAXDOT_ROWS_ON_DISK =
      1 /* in the file; all else is in memory, and a search reads what it scores */
} maxdot_row_place;

/* How an open index holds its file. */
typedef enum maxdot_load {
  MAXDOT_LOAD_MAP = 0,    /* mapped: opens at once, processes share the pages. The file may be
                           * replaced or removed, but never overwritten or cut short: a search then
                           * ends the process (SIGBUS), or returns anything */
  MAXDOT_LOAD_MEMORY = 1, /* read into memory, every checksum checked */
  MAXDOT_LOAD_LOCKED = 2  /* the same, and never paged out (mlock) */
} maxdot_load;

/* For `threads`: every core that this process may use (affinity and cgroup limits); calls that run
 * at the same time divide them. */
#define MAXDOT_ALL_THREADS (-1)

/* A read-only matrix in the caller's memory: `rows` rows of `cols` elements; a row is contiguous and
 * begins `stride_bytes` after the one before it; 0: right behind it. */
typedef struct maxdot_matrix {
  const void* data;
  int32_t dtype; /* maxdot_dtype */
  int64_t rows;
  int64_t cols;
  int64_t stride_bytes;
} maxdot_matrix;

/* A list of item ids for each query: query q has ids[offsets[q]] up to, not including,
 * ids[offsets[q + 1]]. offsets has queries + 1 entries, the first of them 0. */
typedef struct maxdot_id_lists {
  const int64_t* offsets; /* null: no lists */
  const int64_t* ids;
} maxdot_id_lists;

/* ---- Ending a call early --------------------------------------------------------------------- */

typedef struct maxdot_cancellation maxdot_cancellation;

MAXDOT_C_API maxdot_status maxdot_cancellation_create(maxdot_cancellation** made);
/* Every call that was given it ends with MAXDOT_CANCELLED, soon; for good. From any thread. */
MAXDOT_C_API void maxdot_cancellation_cancel(maxdot_cancellation* cancellation);
/* No call may use it any more. */
MAXDOT_C_API void maxdot_cancellation_free(maxdot_cancellation* cancellation);

/* ---- An index -------------------------------------------------------------------------------- */

/* An immutable set of items. */
typedef struct maxdot_index maxdot_index;

typedef struct maxdot_build_options {
  uint32_t struct_size;
  int32_t metric;    /* maxdot_metric: what searches use unless they name another */
  int32_t normalize; /* not 0: every row and query counts as its unit vector, whatever the metric */
  int32_t threads;   /* 0: one; MAXDOT_ALL_THREADS */
  const int64_t* ids; /* [rows], unique, >= 0; null: the row number is the id */
  const maxdot_cancellation* cancellation; /* null: none */
  double timeout;                          /* [seconds]; 0: no limit */
} maxdot_build_options;

/* Builds an index of the rows, which it copies. O(rows * cols). */
MAXDOT_C_API maxdot_status maxdot_build(const maxdot_matrix* items,
                                        const maxdot_build_options* options, maxdot_index** made);

typedef struct maxdot_open_options {
  uint32_t struct_size;
  int32_t verify_payload; /* not 0: also check every section's checksum and contents; reads all */
  int32_t verify_codes;   /* not 0: also compute the codes again and compare */
  int32_t threads;        /* to verify with. 0: one; MAXDOT_ALL_THREADS */
  const maxdot_cancellation* cancellation;
  double timeout; /* [seconds]; 0: no limit */
  int32_t rows;   /* maxdot_row_place */
  int32_t load;   /* maxdot_load */
} maxdot_open_options;

/* Opens an index file. `path` is as the operating system takes it. */
MAXDOT_C_API maxdot_status maxdot_open(const char* path, const maxdot_open_options* options,
                                       maxdot_index** made);

/* Writes the index beside `path`, syncs and renames: `path` holds the old file or the new one,
 * whole. */
MAXDOT_C_API maxdot_status maxdot_save(const maxdot_index* index, const char* path);

/* Gives the index back. No call may use it any more. */
MAXDOT_C_API void maxdot_close(maxdot_index* index);

typedef struct maxdot_index_info {
  uint32_t struct_size;
  int32_t dtype;      /* maxdot_dtype of the stored rows */
  int32_t metric;     /* maxdot_metric */
  int32_t normalized; /* 0 or 1 */
  int32_t has_ids;    /* 0: row numbers are ids */
  int64_t items;
  int64_t dimension;
  int64_t bytes;     /* what a mapped file occupies when every page was touched */
  uint64_t checksum; /* of the file that it was opened from; 0 if it was built */
} maxdot_index_info;

/* Requires info->struct_size, which MAXDOT_INIT sets. */
MAXDOT_C_API maxdot_status maxdot_info(const maxdot_index* index, maxdot_index_info* info);

/* Id of the item in a row. */
MAXDOT_C_API maxdot_status maxdot_item_id(const maxdot_index* index, int64_t row, int64_t* id);
/* The stored values of a row as f32; `values` holds as many as the index has dimensions. */
MAXDOT_C_API maxdot_status maxdot_item_row(const maxdot_index* index, int64_t row, float* values);

/* ---- Memory ---------------------------------------------------------------------------------- */

/* What a search needs beside its results, kept from call to call: once it is large enough, a search
 * that names it allocates nothing. For one call at a time; each thread of a server may have one. */
typedef struct maxdot_workspace maxdot_workspace;

MAXDOT_C_API maxdot_status maxdot_workspace_create(maxdot_workspace** made);
/* What it holds. No call may use it meanwhile. */
MAXDOT_C_API int64_t maxdot_workspace_bytes(const maxdot_workspace* workspace);
/* Gives back what it holds. No call may use it meanwhile. */
MAXDOT_C_API void maxdot_workspace_release(maxdot_workspace* workspace);
/* No call may use it any more. */
MAXDOT_C_API void maxdot_workspace_free(maxdot_workspace* workspace);

/* A thread that searches without a workspace keeps at most so many bytes after a call: 67,108,864 by
 * default; 0: nothing. For all threads, from their next call on. */
MAXDOT_C_API void maxdot_limit_thread_memory(uint64_t bytes);
/* Gives back what the calling thread keeps. */
MAXDOT_C_API void maxdot_release_thread_memory(void);

/* ---- Searches -------------------------------------------------------------------------------- */

/* What a search did. */
typedef struct maxdot_search_stats {
  uint32_t struct_size;
  uint64_t queries;
  uint64_t queries_by_f32;   /* scanned as f32 rows: few items, a large k, or unusual data */
  uint64_t queries_by_list;  /* scored item by item: a filter lets few items through */
  uint64_t queries_repeated; /* scanned twice: the guessed threshold could not be proven */
  uint64_t tiles_4bit;       /* tiles of 64 items read as 4-bit codes, once per block of queries */
  uint64_t tiles_8bit;       /* the same as codes of 5, 6 or 8 bits */
  uint64_t tiles_f32;        /* the same as rows */
  uint64_t candidates;       /* (query, item) pairs that the integer comparison let through */
  uint64_t refined;          /* of these, after 4 to 6 bits: pairs whose 8 bits were read */
  uint64_t rescored;         /* of the candidates, and of the f32 screen's: pairs scored in f64 */
  uint64_t bytes_read;       /* by tiles, codes and rows, from memory or from a cache */
} maxdot_search_stats;

typedef struct maxdot_search_options {
  uint32_t struct_size;
  int32_t metric;     /* maxdot_metric; every metric is exact on every index */
  int32_t score_kind; /* maxdot_score_kind */
  int32_t threads;    /* 0: one; MAXDOT_ALL_THREADS */
  /* Which items may be returned; what is given applies at once. Ids that the index does not hold are
   * ignored. */
  maxdot_id_lists exclude;  /* items that a query must not return */
  maxdot_id_lists allow;    /* the only items that a query may return */
  const uint8_t* item_mask; /* [items], by row: 0 for items that no query may return; null: none */
  const maxdot_cancellation* cancellation;
  double timeout; /* [seconds]; 0: no limit */
  maxdot_workspace*
      workspace; /* the memory that the search works in; null: what the thread keeps */
  uint64_t
      most_result_bytes; /* of maxdot_search_range; more is MAXDOT_OUT_OF_MEMORY. 0: what is free */
  maxdot_search_stats* stats; /* filled in, as far as its struct_size says; null: nothing */
} maxdot_search_options;

/* The exact k best items of each query, best first; of equal keys the smaller id. `ids` and `scores`
 * are [queries, k], row-major; `counts`, the results of each query, is [queries] or null. Behind them
 * a row is padded with id -1 and the worst score. */
MAXDOT_C_API maxdot_status maxdot_search(const maxdot_index* index, const maxdot_matrix* queries,
                                         int64_t k, const maxdot_search_options* options,
                                         int64_t* ids, double* scores, int64_t* counts);

/* The k best items of users with several interest vectors each: an item's score is its best over
 * them. `interests` has users * per_user rows; rows of zeros are ignored. Outputs are [users, k], and
 * lists of filters are one for each user. */
MAXDOT_C_API maxdot_status maxdot_search_multi(const maxdot_index* index,
                                               const maxdot_matrix* interests, int64_t per_user,
                                               int64_t k, const maxdot_search_options* options,
                                               int64_t* ids, double* scores, int64_t* counts);

/* What maxdot_search_range found: for query q the places offsets[q] up to, not including,
 * offsets[q + 1] of ids and scores, best first. */
typedef struct maxdot_range maxdot_range;

/* Every item whose score reaches its query's threshold (for distances: is at most it). `thresholds`
 * has `threshold_count` values: one for each query, or one for all. */
MAXDOT_C_API maxdot_status maxdot_search_range(const maxdot_index* index,
                                               const maxdot_matrix* queries,
                                               const double* thresholds, int64_t threshold_count,
                                               const maxdot_search_options* options,
                                               maxdot_range** found);
MAXDOT_C_API int64_t maxdot_range_queries(const maxdot_range* range);
/* All results; offsets[queries]. */
MAXDOT_C_API int64_t maxdot_range_size(const maxdot_range* range);
/* [queries + 1] */
MAXDOT_C_API const int64_t* maxdot_range_offsets(const maxdot_range* range);
/* [size]; null if the size is 0 */
MAXDOT_C_API const int64_t* maxdot_range_ids(const maxdot_range* range);
MAXDOT_C_API const double* maxdot_range_scores(const maxdot_range* range);
MAXDOT_C_API void maxdot_range_free(maxdot_range* range);

/* ---- A catalogue that changes ---------------------------------------------------------------- */

/* A catalogue in a folder: items come, change and go while it is searched (docs/serving.md). What is
 * on the disk survives a kill at any point: every change whose call had returned, and no half of one.
 * One handle at a time, in all processes, may have a folder open for writing; any number may have it
 * open for reading, on the same machine. Searches never wait for changes. A child after fork must not
 * use it; snapshots may go on. */
typedef struct maxdot_live maxdot_live;

/* When an upsert, a remove or a replace is safe on the disk. */
typedef enum maxdot_durability {
  MAXDOT_DURABLE_GROUP = 0, /* when the call returns; calls at the same time share a sync */
  MAXDOT_DURABLE_EACH = 1,  /* when the call returns, each by a sync of its own */
  MAXDOT_DURABLE_NONE = 2   /* when the system writes it: it survives the end of the process, not of
                             * the machine */
} maxdot_durability;

/* What all items of a catalogue have in common, stored in its folder. A replace can change it. */
typedef struct maxdot_catalogue_options {
  uint32_t struct_size;
  int32_t metric;    /* maxdot_metric; default: cosine */
  int32_t normalize; /* as of maxdot_build_options */
  int32_t dtype; /* maxdot_dtype of the stored rows; 0: MAXDOT_F32. Rows of f16 can be put into a
                      * catalogue of f32, but not the reverse */
} maxdot_catalogue_options;

/* How a catalogue that is open for writing works; nothing of it is stored. */
typedef struct maxdot_live_options {
  uint32_t struct_size;
  int32_t durability;    /* maxdot_durability */
  int32_t no_compaction; /* not 0: no thread makes and merges segments; only maxdot_live_compact
                               * does */
  int32_t compaction_threads; /* that make and merge segments. 0: one; MAXDOT_ALL_THREADS */
  int64_t fresh_items; /* so many new items, 64 to 1,048,576, are searched without codes before
                               * they become a segment; 0: 2,048 */
  uint64_t most_merge_bytes; /* the thread merges no segments that are larger together; 0: 1 GiB */
} maxdot_live_options;

/* Makes an empty catalogue in a folder, which is made if it does not exist, and must be empty; then
 * opens it for writing. */
MAXDOT_C_API maxdot_status maxdot_live_create(const char* folder, int64_t dimension,
                                              const maxdot_catalogue_options* catalogue,
                                              const maxdot_live_options* options,
                                              maxdot_live** made);
/* Opens it for writing. MAXDOT_IO also if it is open for writing already. */
MAXDOT_C_API maxdot_status maxdot_live_open(const char* folder, const maxdot_live_options* options,
                                            maxdot_live** made);
/* Opens it for reading: it sees the newest version, and later ones after maxdot_live_refresh. Takes no
 * lock and writes nothing. */
MAXDOT_C_API maxdot_status maxdot_live_open_read_only(const char* folder, maxdot_live** made);
/* Closes it; the folder may then be opened for writing, unless a Batcher of it lives on. No call may
 * use it any more, and none may be under way. Snapshots stay good. */
MAXDOT_C_API void maxdot_live_close(maxdot_live* live);

/* What a change did. */
typedef struct maxdot_change {
  uint32_t struct_size;
  uint64_t version; /* the first version of the catalogue that has it */
  int64_t items;    /* put in, or removed */
} maxdot_change;

/* Puts items in: those whose ids are there are replaced. All or nothing; every search that begins
 * after the return sees it. `ids` are [rows], unique and >= 0. Waits for the thread that makes
 * segments if that is far behind. `change` is null or has its struct_size. */
MAXDOT_C_API maxdot_status maxdot_live_upsert(maxdot_live* live, const int64_t* ids,
                                              const maxdot_matrix* rows, maxdot_change* change);
/* Removes items. Ids that are not there are ignored. Otherwise as upsert. */
MAXDOT_C_API maxdot_status maxdot_live_remove(maxdot_live* live, const int64_t* ids, int64_t count,
                                              maxdot_change* change);
/* The catalogue becomes that of the index: its items, ids, dimension, metric and dtype, in a copy.
 * Searches under way go on with the items of before. */
MAXDOT_C_API maxdot_status maxdot_live_replace(maxdot_live* live, const maxdot_index* index,
                                               maxdot_change* change);
/* The same of an index file, which is verified first. */
MAXDOT_C_API maxdot_status maxdot_live_replace_path(maxdot_live* live, const char* path,
                                                    maxdot_change* change);

/* Of one that is open for reading: goes on to the newest version. `changed`, if not null, is 1 if that
 * is another one, or 0. */
MAXDOT_C_API maxdot_status maxdot_live_refresh(maxdot_live* live, int32_t* changed);
/* Makes one segment of all items. Returns when it is on the disk. */
MAXDOT_C_API maxdot_status maxdot_live_compact(maxdot_live* live);

typedef struct maxdot_live_stats {
  uint32_t struct_size;
  uint64_t version;
  uint64_t items;
  uint64_t fresh_items; /* rows without codes, also of items that died since */
  uint64_t dead_items;  /* rows of items that were removed or replaced */
  uint64_t segments;
  uint64_t segment_bytes; /* of the segments' files */
  uint64_t log_bytes;     /* of the logs' files */
  uint64_t compactions;   /* since it was opened */
  uint64_t replaces;      /* since it was opened */
} maxdot_live_stats;

/* Requires stats->struct_size, which MAXDOT_INIT sets. */
MAXDOT_C_API maxdot_status maxdot_live_get_stats(const maxdot_live* live, maxdot_live_stats* stats);
/* What the thread that makes segments has failed with last; it tries again. "": nothing. Written to
 * `text`, which has `size` bytes, 1 or more; a longer one is cut. */
MAXDOT_C_API maxdot_status maxdot_live_compaction_error(const maxdot_live* live, char* text,
                                                        int64_t size);

/* The items of one version of a catalogue, which never change. Any number of threads may use it. */
typedef struct maxdot_snapshot maxdot_snapshot;

/* The newest version. */
MAXDOT_C_API maxdot_status maxdot_live_snapshot(const maxdot_live* live, maxdot_snapshot** made);
/* No call may use it any more. */
MAXDOT_C_API void maxdot_snapshot_free(maxdot_snapshot* snapshot);

/* It rises by 1 with every change of the catalogue. 0 for a null pointer. */
MAXDOT_C_API uint64_t maxdot_snapshot_version(const maxdot_snapshot* snapshot);
/* As maxdot_info. `bytes` is of the segments that hold items of it, `checksum` 0. */
MAXDOT_C_API maxdot_status maxdot_snapshot_info(const maxdot_snapshot* snapshot,
                                                maxdot_index_info* info);
/* Writes the ids of all items, as many as maxdot_snapshot_info says, in an order that stays the same
 * for this snapshot. */
MAXDOT_C_API maxdot_status maxdot_snapshot_ids(const maxdot_snapshot* snapshot, int64_t* ids);
/* `found` becomes 1 or 0: whether there is such an item. Writes its values as f32 to `values`, as many
 * as the snapshot has dimensions, unless that is null. */
MAXDOT_C_API maxdot_status maxdot_snapshot_item(const maxdot_snapshot* snapshot, int64_t id,
                                                float* values, int32_t* found);

/* maxdot_search, maxdot_search_multi and maxdot_search_range, of a snapshot: what they return is, bit
 * for bit, what an index built of its items would. `item_mask` has a value for each item, in the order
 * of maxdot_snapshot_ids. */
MAXDOT_C_API maxdot_status maxdot_snapshot_search(const maxdot_snapshot* snapshot,
                                                  const maxdot_matrix* queries, int64_t k,
                                                  const maxdot_search_options* options,
                                                  int64_t* ids, double* scores, int64_t* counts);
MAXDOT_C_API maxdot_status maxdot_snapshot_search_multi(
    const maxdot_snapshot* snapshot, const maxdot_matrix* interests, int64_t per_user, int64_t k,
    const maxdot_search_options* options, int64_t* ids, double* scores, int64_t* counts);
MAXDOT_C_API maxdot_status maxdot_snapshot_search_range(
    const maxdot_snapshot* snapshot, const maxdot_matrix* queries, const double* thresholds,
    int64_t threshold_count, const maxdot_search_options* options, maxdot_range** found);
/* The same of the newest version. There can be no `item_mask`, which is of one version. */
MAXDOT_C_API maxdot_status maxdot_live_search(const maxdot_live* live, const maxdot_matrix* queries,
                                              int64_t k, const maxdot_search_options* options,
                                              int64_t* ids, double* scores, int64_t* counts);
MAXDOT_C_API maxdot_status maxdot_live_search_multi(const maxdot_live* live,
                                                    const maxdot_matrix* interests,
                                                    int64_t per_user, int64_t k,
                                                    const maxdot_search_options* options,
                                                    int64_t* ids, double* scores, int64_t* counts);
MAXDOT_C_API maxdot_status maxdot_live_search_range(
    const maxdot_live* live, const maxdot_matrix* queries, const double* thresholds,
    int64_t threshold_count, const maxdot_search_options* options, maxdot_range** found);

/* ---- A Batcher ------------------------------------------------------------------------------- */

/* Gathers the requests of many threads into batches, which cost much less than single queries
 * (docs/serving.md). There is no timer: whatever has come while a batch was searched is the next one.
 * Answers are bit for bit those of maxdot_search. A child after fork must make one of its own, and
 * leave those of its parent alone. */
typedef struct maxdot_batcher maxdot_batcher;

typedef struct maxdot_batcher_options {
  uint32_t struct_size;
  int32_t threads;              /* of a batch. 0: one; MAXDOT_ALL_THREADS */
  int64_t most_batch_queries;   /* searched at once, 1 to 65,536; 0: 256 */
  int64_t most_waiting_queries; /* a request of more is MAXDOT_OVERLOADED; 0: 4,096 */
} maxdot_batcher_options;

/* The index may be closed afterwards: the Batcher shares its items. */
MAXDOT_C_API maxdot_status maxdot_batcher_create(const maxdot_index* index,
                                                 const maxdot_batcher_options* options,
                                                 maxdot_batcher** made);
/* Asks the newest version that there is when a batch begins. The catalogue may be closed afterwards;
 * its folder stays open until the Batcher is gone. Requests must not have an item_mask. */
MAXDOT_C_API maxdot_status maxdot_batcher_create_live(const maxdot_live* live,
                                                      const maxdot_batcher_options* options,
                                                      maxdot_batcher** made);
/* Returns when all that was submitted is answered. No call may use it any more, and none may be
 * under way. Not from within an answer. */
MAXDOT_C_API void maxdot_batcher_free(maxdot_batcher* batcher);

typedef struct maxdot_request_options {
  uint32_t struct_size;
  int32_t metric;     /* maxdot_metric */
  int32_t score_kind; /* maxdot_score_kind */
  /* As of maxdot_search_options. Their memory must stay as it is until the request is answered. */
  maxdot_id_lists exclude;
  maxdot_id_lists allow;
  const uint8_t* item_mask; /* [item_mask_size]; null: none */
  int64_t item_mask_size;   /* must be the number of items of the index that is asked */
  double timeout; /* [seconds] a search that has not begun by then is MAXDOT_TIMEOUT; 0: no limit */
} maxdot_request_options;

/* maxdot_search, in a batch with the requests of other threads. Waits for the answer. */
MAXDOT_C_API maxdot_status maxdot_batcher_search(maxdot_batcher* batcher,
                                                 const maxdot_matrix* queries, int64_t k,
                                                 const maxdot_request_options* options,
                                                 int64_t* ids, double* scores, int64_t* counts);

/* The answer to a request that was submitted. The struct, and what it points to, is the library's,
 * and is valid until maxdot_answered returns. */
typedef struct maxdot_answer {
  uint32_t struct_size; /* as the library was compiled */
  int32_t status;       /* maxdot_status; if it is not MAXDOT_OK, there are no results */
  const char* error;    /* what went wrong; "" if nothing did */
  int64_t queries;
  int64_t k;
  const int64_t* ids;    /* [queries, k], as of maxdot_search */
  const double* scores;  /* [queries, k] */
  const int64_t* counts; /* [queries] */
} maxdot_answer;

/* Gets an answer, with the `context` of its request, on the thread that has searched: one of the
 * Batcher's own, or one that is in maxdot_batcher_search. It should be short, must not throw or jump
 * out, and must not wait for the Batcher; it may submit. */
typedef void (*maxdot_answered)(void* context, const maxdot_answer* answer);

/* Does not wait. The queries are copied. MAXDOT_OK: `answered` is called once (before this returns,
 * if there are no queries); anything else: the request is refused, and it is not called. */
MAXDOT_C_API maxdot_status maxdot_batcher_submit(maxdot_batcher* batcher,
                                                 const maxdot_matrix* queries, int64_t k,
                                                 const maxdot_request_options* options,
                                                 maxdot_answered answered, void* context);

/* From now on requests are asked of this index, which may have another dimension; those that have
 * come before get the answers of the one before. The index may be closed afterwards. */
MAXDOT_C_API maxdot_status maxdot_batcher_replace(maxdot_batcher* batcher,
                                                  const maxdot_index* index);

/* What a Batcher has done since it was made. */
typedef struct maxdot_batcher_stats {
  uint32_t struct_size;
  uint64_t requests;        /* answered, with results or an error */
  uint64_t queries;         /* of these requests */
  uint64_t batches;         /* searches that answered them */
  uint64_t largest_batch;   /* queries, those that came too late among them */
  uint64_t overloaded;      /* requests refused */
  uint64_t timeouts;        /* requests whose search did not begin in time */
  uint64_t waiting_queries; /* now */
} maxdot_batcher_stats;

/* Requires stats->struct_size, which MAXDOT_INIT sets. */
MAXDOT_C_API maxdot_status maxdot_batcher_get_stats(const maxdot_batcher* batcher,
                                                    maxdot_batcher_stats* stats);

/* ---- Shards ---------------------------------------------------------------------------------- */

/* What one shard answered to the same queries with MAXDOT_KEYS. */
typedef struct maxdot_shard {
  const int64_t* ids;    /* [queries, k] */
  const double* keys;    /* [queries, k] */
  const int64_t* counts; /* [queries] */
  int64_t k;             /* at least that of the merge */
} maxdot_shard;

typedef struct maxdot_merge_options {
  uint32_t struct_size;
  int32_t metric;                          /* maxdot_metric that was asked for; not the default */
  int32_t normalized;                      /* not 0: the indexes were built with `normalize` */
  int32_t score_kind;                      /* maxdot_score_kind of the merged results */
  int32_t threads;                         /* 0: one; MAXDOT_ALL_THREADS */
  const maxdot_cancellation* cancellation; /* null: none */
  double timeout;                          /* [seconds]; 0: no limit */
} maxdot_merge_options;

/* The k best of all shards for each query: what one index over all items would have returned, bit
 * for bit. No item may stand in two shards. Outputs as of maxdot_search. The options must name the
 * metric. */
MAXDOT_C_API maxdot_status maxdot_merge(const maxdot_shard* shards, int64_t shard_count,
                                        int64_t queries, int64_t k,
                                        const maxdot_merge_options* options, int64_t* ids,
                                        double* scores, int64_t* counts);

/* ---- The machine ------------------------------------------------------------------------------ */

/* What MAXDOT_ALL_THREADS stands for when no other call runs. */
MAXDOT_C_API int32_t maxdot_available_threads(void);
/* The kernels in use: "avx2", "avx512vnni" and the like. The name lives as long as the process. */
MAXDOT_C_API maxdot_status maxdot_kernel(const char** name);
/* The kernels that this machine can run, best first: number i, from 0; *name is null behind the
 * last. Asks Linux for the registers of AMX where there are any (include/maxdot/machine.hpp). */
MAXDOT_C_API maxdot_status maxdot_kernel_at(int32_t i, const char** name);
/* From now on, calls of this process use these kernels; calls under way go on with theirs. Results do
 * not depend on it. */
MAXDOT_C_API maxdot_status maxdot_use_kernels(const char* name);

#ifdef __cplusplus
}
#endif

#endif
