/*
 * A client of many concurrent streams that measures how many events arrive, and how late.
 *
 * usage: stream-sink PORT STREAMS RAMP_SECONDS SETTLE_SECONDS WINDOW_SECONDS REQUEST_FILE
 * Opens the streams evenly over the ramp, waits, counts over the window, then waits until all have ended (at most
 * DRAIN_SECONDS). Prints a line at each turn: `ramped {…}`, `window-start {…}`, `window-end {…}`, `finished {…}` (with the delays).
 * An event's delay is from when stream-source wrote it to when it was read here, in microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>

#include "clock.h"
#include "loopback.h"
#include "response.h"

#define DRAIN_SECONDS 30
#define LINE_MAX_BYTES 1024

struct stream {
  int fd;
  bool started, ended;
  size_t line_length;
  char line[LINE_MAX_BYTES];
  struct response response;
};

static struct stream *streams;
static int64_t events, usage_events, done_marks, started, ended, ended_after_start, failed;
static int64_t *delays, delay_count, delay_capacity;
static bool in_window;

static void line_complete(struct stream *s) {
  s->line[s->line_length] = 0;
  if (strncmp(s->line, "data: ", 6) != 0) return;
  if (strncmp(s->line + 6, "[DONE]", 6) == 0) {
    done_marks++;
    return;
  }
  events++;
  if (!s->started) {
    s->started = true;
    started++;
  }
  if (strstr(s->line, "\"choices\":[]") != NULL) usage_events++;
  if (!in_window) return;
  const char *stamp = strstr(s->line, "\"obfuscation\":\"");
  if (stamp == NULL) return;
  if (delay_count == delay_capacity) {
    delay_capacity = delay_capacity == 0 ? 1 << 20 : delay_capacity * 2;
    delays = realloc(delays, (size_t)delay_capacity * sizeof *delays);
    if (delays == NULL) exit(1);
  }
  delays[delay_count++] = now_ns() - (int64_t)strtoull(stamp + 15, NULL, 16);
}

static void read_body(void *context, const char *bytes, size_t length) {
  struct stream *s = context;
  while (length > 0) {
    const char *newline = memchr(bytes, '\n', length);
    size_t piece = newline == NULL ? length : (size_t)(newline - bytes);
    size_t room = LINE_MAX_BYTES - 1 - s->line_length, take = piece < room ? piece : room;
    memcpy(s->line + s->line_length, bytes, take);
    s->line_length += take;
    if (newline == NULL) return;
    line_complete(s);
    s->line_length = 0;
    bytes += piece + 1;
    length -= piece + 1;
  }
}

static void stream_end(struct stream *s, bool ok) {
  if (s->ended) return;
  s->ended = true;
  ended++;
  if (s->started) ended_after_start++;
  if (!ok) failed++;
  close(s->fd);
}

static void stream_read(struct stream *s) {
  static char buffer[65536];
  for (;;) {
    ssize_t n = read(s->fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      stream_end(s, false);
      return;
    }
    response_feed(&s->response, buffer, (size_t)n, read_body, s);
    if (s->response.state == DONE || s->response.state == BROKEN) {
      stream_end(s, s->response.state == DONE && s->response.status == 200);
      return;
    }
    if (n < (ssize_t)sizeof buffer) return;
  }
}

/* Those that have begun and not ended. */
static int64_t open_streams(void) { return started - ended_after_start; }

static void say(const char *turn) {
  printf("%s {\"at\":%.6f,\"events\":%lld,\"open\":%lld,\"ended\":%lld,\"failed\":%lld,\"done\":%lld,\"usageEvents\":%lld,"
         "\"cpuSeconds\":%.4f",
         turn, (double)now_ns() / 1e9, (long long)events, (long long)open_streams(), (long long)ended,
         (long long)failed, (long long)done_marks, (long long)usage_events, (double)cpu_ns() / 1e9);
  if (strcmp(turn, "finished") == 0) {
    qsort(delays, (size_t)delay_count, sizeof *delays, compare_int64);
    printf(",\"delayP50\":%.1f,\"delayP99\":%.1f,\"delayMax\":%.1f", quantile_us(delays, delay_count, 0.5),
           quantile_us(delays, delay_count, 0.99), quantile_us(delays, delay_count, 1));
  }
  printf("}\n");
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count != 7) {
    fprintf(stderr, "usage: stream-sink PORT STREAMS RAMP_SECONDS SETTLE_SECONDS WINDOW_SECONDS REQUEST_FILE\n");
    return 2;
  }
  int port = atoi(arguments[1]), total = atoi(arguments[2]), opened = 0;
  int64_t ramp = (int64_t)(atof(arguments[3]) * 1e9), settle = (int64_t)(atof(arguments[4]) * 1e9),
          window = (int64_t)(atof(arguments[5]) * 1e9);
  size_t request_length;
  char *request = read_whole(arguments[6], &request_length);
  streams = calloc((size_t)total, sizeof *streams);
  raise_file_limit();
  int epoll = epoll_create1(0), timer = ticker(1000000);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  int64_t begin = now_ns(), turn_at = 0;
  enum { RAMP, SETTLE, WINDOW, DRAIN } phase = RAMP;
  for (;;) {
    struct epoll_event ready[512];
    int n = epoll_wait(epoll, ready, 512, 10);
    for (int i = 0; i < n; i++) {
      if (ready[i].data.u32 != UINT32_MAX) stream_read(&streams[ready[i].data.u32]);
      else {
        uint64_t ticks;
        if (read(timer, &ticks, sizeof ticks) < 0) continue;
      }
    }
    int64_t now = now_ns();
    if (phase == RAMP) {
      int64_t wanted = ramp == 0 ? total : (now - begin) * total / ramp;
      for (; opened < total && opened < wanted; opened++) {
        struct stream *s = &streams[opened];
        s->fd = connect_to(port);
        if (s->fd < 0 || write(s->fd, request, request_length) != (ssize_t)request_length) {
          perror("stream-sink: connect");
          return 1;
        }
        event.data.u32 = (uint32_t)opened;
        epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &event);
      }
      /* A gateway that is overwhelmed may never start them all: go on after three ramps. */
      if (opened == total && (started + failed >= total || now - begin > 3 * ramp + 1000000000)) {
        say("ramped");
        phase = SETTLE;
        turn_at = now + settle;
      }
    } else if (phase == SETTLE && now >= turn_at) {
      say("window-start");
      phase = WINDOW;
      in_window = true;
      turn_at = now + window;
    } else if (phase == WINDOW && now >= turn_at) {
      in_window = false;
      say("window-end");
      phase = DRAIN;
      turn_at = now_ns() + DRAIN_SECONDS * 1000000000LL;
    } else if (phase == DRAIN && (ended == total || now >= turn_at)) {
      say("finished");
      return 0;
    }
  }
}
