/*
 * An upstream that streams: answers a chat completion that asks for `"stream":true` with server-sent events of
 * about 200 bytes, one per token, `INTERVAL_MS` apart per stream and evenly spread over all streams; anything else
 * with a small JSON answer.
 *
 * usage: stream-source PORT INTERVAL_MS
 * INTERVAL_MS 0 holds every stream open and silent after its first event. `"max_tokens":N` sets the stream's length;
 * `"include_usage":true` adds `"usage":null` to the events and a last event with the usage. Each event carries the
 * nanosecond it was written in `obfuscation`, for stream-sink to measure its delay.
 * A connection whose reader is behind gets no more until it has caught up. On SIGTERM prints one line of JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "loopback.h"

#define CONNECTIONS_MAX 8192
#define REQUEST_MAX 8192
#define SLOTS_MAX 1000
#define EVENT_MAX 512

struct connection {
  bool used, streaming, with_usage;
  long tokens_left, tokens;
  size_t request_length, body_left;
  size_t pending_length;
  char request[REQUEST_MAX];
  char pending[4 * EVENT_MAX];
  int slot_next; /* the next connection of the same millisecond */
};

static struct connection *connections; /* by descriptor */
static int slots[SLOTS_MAX];
static int interval_ms, slot_count, current_slot;
static int64_t events_written, stalls, streams;
static volatile sig_atomic_t stopping;

#define EVENT_FRONT \
  "data: {\"id\":\"chatcmpl-BenchBenchBenchBenchBenchB\",\"object\":\"chat.completion.chunk\",\"created\":1700000000," \
  "\"model\":\"gpt-4.1-mini\",\"choices\":"

static const char answer[] =
    "{\"id\":\"chatcmpl-warm\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"gpt-4.1-mini\","
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}";

static void stop(int signal) { stopping = signal; }

/* Writes what fits; keeps the rest for later. */
static void send_bytes(int fd, const char *bytes, size_t length) {
  struct connection *c = &connections[fd];
  ssize_t n = c->pending_length > 0 ? 0 : write(fd, bytes, length);
  if (n < 0) n = 0;
  if ((size_t)n < length && c->pending_length + length - (size_t)n <= sizeof c->pending) {
    memcpy(c->pending + c->pending_length, bytes + n, length - (size_t)n);
    c->pending_length += length - (size_t)n;
  }
}

static bool flush_pending(int fd) {
  struct connection *c = &connections[fd];
  if (c->pending_length == 0) return true;
  ssize_t n = write(fd, c->pending, c->pending_length);
  if (n <= 0) return false;
  memmove(c->pending, c->pending + n, c->pending_length - (size_t)n);
  c->pending_length -= (size_t)n;
  return c->pending_length == 0;
}

/* One event as one HTTP chunk. */
static size_t format_event(char *out, const struct connection *c, const char *choices, const char *usage) {
  char event[EVENT_MAX];
  int length = snprintf(event, sizeof event, EVENT_FRONT "%s%s,\"obfuscation\":\"%016llx\"}\n\n", choices,
                        usage[0] != 0 ? usage : (c->with_usage ? ",\"usage\":null" : ""), (unsigned long long)now_ns());
  return (size_t)sprintf(out, "%x\r\n%s\r\n", length, event);
}

static void write_token(int fd) {
  struct connection *c = &connections[fd];
  if (!flush_pending(fd)) {
    stalls++;
    return;
  }
  char out[4 * EVENT_MAX];
  size_t length;
  if (c->tokens_left > 0) {
    length = format_event(out, c, "[{\"index\":0,\"delta\":{\"content\":\" token\"},\"finish_reason\":null}]", "");
    c->tokens_left--;
    events_written++;
  } else {
    length = format_event(out, c, "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]", "");
    events_written++;
    if (c->with_usage) {
      char usage[160];
      snprintf(usage, sizeof usage,
               ",\"usage\":{\"prompt_tokens\":250,\"completion_tokens\":%ld,\"total_tokens\":%ld}", c->tokens, c->tokens + 250);
      length += format_event(out + length, c, "[]", usage);
    }
    length += (size_t)sprintf(out + length, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    c->streaming = false;
  }
  send_bytes(fd, out, length);
}

static void start_answer(int fd) {
  struct connection *c = &connections[fd];
  const char *body = strstr(c->request, "\r\n\r\n");
  const char *tokens = strstr(body, "\"max_tokens\":");
  char out[4 * EVENT_MAX];
  if (strstr(body, "\"stream\":true") == NULL) {
    int length = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          sizeof answer - 1, answer);
    send_bytes(fd, out, (size_t)length);
    return;
  }
  streams++;
  c->streaming = true;
  c->with_usage = strstr(body, "\"include_usage\":true") != NULL;
  c->tokens = c->tokens_left = tokens == NULL ? 100 : atol(tokens + 13);
  size_t length = (size_t)sprintf(out,
                                  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                                  "Cache-Control: no-cache\r\nX-Request-Id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n");
  length += format_event(out + length, c,
                         "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]", "");
  events_written++;
  send_bytes(fd, out, length);
  c->slot_next = slots[current_slot];
  slots[current_slot] = fd;
}

static void forget(int fd) {
  for (int s = 0; s < slot_count && connections[fd].streaming; s++)
    for (int *link = &slots[s]; *link != 0; link = &connections[*link].slot_next)
      if (*link == fd) {
        *link = connections[fd].slot_next;
        connections[fd].streaming = false;
        break;
      }
  connections[fd].used = false;
  close(fd);
}

/* Whether the request in hand is complete: a sized body, or a chunked one up to its last chunk. */
static bool request_complete(struct connection *c) {
  c->request[c->request_length] = 0;
  const char *end = strstr(c->request, "\r\n\r\n");
  if (end == NULL) return false;
  const char *sized = strcasestr(c->request, "\ncontent-length:");
  if (sized != NULL && sized < end)
    return c->request_length >= (size_t)(end + 4 - c->request) + (size_t)atol(sized + 16);
  const char *coding = strcasestr(c->request, "\ntransfer-encoding:");
  if (coding != NULL && coding < end) return strstr(end, "\r\n0\r\n\r\n") != NULL;
  return true;
}

static void receive(int fd) {
  struct connection *c = &connections[fd];
  for (;;) {
    ssize_t n = read(fd, c->request + c->request_length, REQUEST_MAX - 1 - c->request_length);
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) {
      forget(fd);
      return;
    }
    c->request_length += (size_t)n;
    if (c->request_length == REQUEST_MAX - 1) {
      fprintf(stderr, "stream-source: a request longer than %d bytes\n", REQUEST_MAX);
      exit(1);
    }
  }
  if (!request_complete(c)) return;
  start_answer(fd);
  c->request_length = 0;
}

static void tick(void) {
  current_slot = (current_slot + 1) % slot_count;
  for (int *link = &slots[current_slot]; *link != 0;) {
    int fd = *link;
    write_token(fd);
    if (connections[fd].streaming) link = &connections[fd].slot_next;
    else *link = connections[fd].slot_next;
  }
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: stream-source PORT INTERVAL_MS\n");
    return 2;
  }
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  interval_ms = atoi(arguments[2]);
  slot_count = interval_ms > 0 && interval_ms <= SLOTS_MAX ? interval_ms : 1;
  connections = calloc(CONNECTIONS_MAX, sizeof *connections);
  int listener = listen_on(atoi(arguments[1])), epoll = epoll_create1(0), timer = ticker(1000000);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = timer;
  if (interval_ms > 0) epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  while (!stopping) {
    struct epoll_event events[512];
    int n = epoll_wait(epoll, events, 512, 1000);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == timer) {
        uint64_t ticks;
        if (read(timer, &ticks, sizeof ticks) == sizeof ticks)
          for (uint64_t t = 0; t < ticks; t++) tick();
      } else if (fd == listener) {
        for (int accepted; (accepted = accept(listener, NULL, NULL)) >= 0;) {
          if (accepted >= CONNECTIONS_MAX) {
            close(accepted);
            continue;
          }
          set_quick(accepted);
          memset(&connections[accepted], 0, sizeof connections[accepted]);
          connections[accepted].used = true;
          event.events = EPOLLIN | EPOLLRDHUP;
          event.data.fd = accepted;
          epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
        }
      } else if (connections[fd].used) {
        if (connections[fd].streaming && !(events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) continue;
        receive(fd);
      }
    }
  }
  printf("{\"streams\":%lld,\"events\":%lld,\"stalls\":%lld,\"cpuSeconds\":%.3f}\n", (long long)streams,
         (long long)events_written, (long long)stalls, (double)cpu_ns() / 1e9);
  return 0;
}
