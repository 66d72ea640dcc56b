/* maxdot from C: opens an index, searches it from 8 threads, checks the answers.
 *
 *   cc -std=c99 search.c $(pkg-config --cflags --libs maxdot) -pthread -o search
 *   ./search items.maxdot
 *
 * Every item is asked for its nearest items under the index's metric. All threads must find the same,
 * and what one call with all queries finds. Exit status 0: they do.
 */
#include <maxdot/maxdot.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, QUERIES = 200, K = 10 };

typedef struct {
  const maxdot_index* index;
  const float* queries;
  int64_t dimension;
  int64_t ids[QUERIES * K];
  double scores[QUERIES * K];
  int failed;
} Work;

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, maxdot_error_text());
  return 1;
}

/* One query at a time, as a server does it: threads = 0 is one thread. */
static void* search(void* argument) {
  Work* work = argument;
  for (int64_t q = 0; q < QUERIES; ++q) {
    maxdot_matrix query = {work->queries + q * work->dimension, MAXDOT_F32, 1, 0, 0};
    query.cols = work->dimension;
    if (maxdot_search(work->index, &query, K, NULL, work->ids + q * K, work->scores + q * K,
                      NULL) != MAXDOT_OK) {
      work->failed = failed("search");
      return NULL;
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s INDEX\n", argv[0]);
    return 2;
  }
  maxdot_index* index = NULL;
  if (maxdot_open(argv[1], NULL, &index) != MAXDOT_OK) return failed("open");
  maxdot_index_info info;
  MAXDOT_INIT(info);
  if (maxdot_info(index, &info) != MAXDOT_OK) return failed("info");
  if (info.items < QUERIES) {
    fprintf(stderr, "the index has fewer than %d items\n", QUERIES);
    return 2;
  }

  float* queries = malloc((size_t)info.dimension * QUERIES * sizeof *queries);
  Work* works = calloc(THREADS, sizeof *works);
  Work* whole = calloc(1, sizeof *whole);
  if (queries == NULL || works == NULL || whole == NULL) return 1;
  for (int64_t row = 0; row < QUERIES; ++row) {
    if (maxdot_item_row(index, row, queries + row * info.dimension) != MAXDOT_OK)
      return failed("item_row");
  }

  pthread_t threads[THREADS];
  for (int t = 0; t < THREADS; ++t) {
    works[t].index = index;
    works[t].queries = queries;
    works[t].dimension = info.dimension;
    if (pthread_create(&threads[t], NULL, search, &works[t]) != 0) return 1;
  }
  for (int t = 0; t < THREADS; ++t) pthread_join(threads[t], NULL);

  maxdot_search_options options;
  MAXDOT_INIT(options);
  options.threads = MAXDOT_ALL_THREADS;
  maxdot_matrix all = {NULL, MAXDOT_F32, QUERIES, 0, 0};
  all.data = queries;
  all.cols = info.dimension;
  if (maxdot_search(index, &all, K, &options, whole->ids, whole->scores, NULL) != MAXDOT_OK)
    return failed("search of all");
  for (int t = 0; t < THREADS; ++t) {
    if (works[t].failed || memcmp(works[t].ids, whole->ids, sizeof whole->ids) != 0 ||
        memcmp(works[t].scores, whole->scores, sizeof whole->scores) != 0) {
      fprintf(stderr, "thread %d found something else\n", t);
      return 1;
    }
  }
  if (maxdot_open("no such file", NULL, &(maxdot_index*){NULL}) != MAXDOT_IO) return 1;
  printf("maxdot %s: %d threads found the same %d neighbours of %d items; the first: %lld\n",
         maxdot_version(), THREADS, K, QUERIES, (long long)whole->ids[0]);
  free(works);
  free(whole);
  free(queries);
  maxdot_close(index);
  return 0;
}
