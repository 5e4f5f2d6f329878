/* Monotonic time and small numbers about this process; shared by the load generators. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>

static inline int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* CPU time of this process, user and system, in nanoseconds. */
static inline int64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/* A timer descriptor that becomes readable every `interval` ns, first at `start` (of now_ns). */
static inline int ticker_from(int64_t start, int64_t interval) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec spec = {
      .it_interval = {.tv_sec = interval / 1000000000, .tv_nsec = interval % 1000000000},
      .it_value = {.tv_sec = start / 1000000000, .tv_nsec = start % 1000000000},
  };
  timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
  return fd;
}

/* The same, first one interval from now. */
static inline int ticker(int64_t interval) { return ticker_from(now_ns() + interval, interval); }

static inline int compare_int64(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* The q-quantile (nearest rank) of sorted nanoseconds, in microseconds; 0 when there are none. */
static inline double quantile_us(const int64_t *sorted, int64_t n, double q) {
  if (n == 0) return 0;
  int64_t rank = (int64_t)(q * (double)n);
  if (rank >= n) rank = n - 1;
  return (double)sorted[rank] / 1000.0;
}

#endif
