/*
 * An open-loop HTTP client: request i is due at start + i / rate, whatever became of the ones before, and its
 * latency counts from when it was due, so that a stalled server cannot hide its stall (no coordinated omission).
 *
 * usage: open-loop PORT RATE SECONDS CONNECTIONS REQUEST_FILE
 * Keeps CONNECTIONS open, used in turn; opens up to CONNECTIONS_MAX when all are busy. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "clock.h"
#include "loopback.h"
#include "response.h"

#define CONNECTIONS_MAX 1024
#define DRAIN_NS 2000000000LL

struct connection {
  int fd;
  int64_t request; /* its index, or -1 when idle */
  size_t sent;
  struct response response;
};

static struct connection connections[CONNECTIONS_MAX];
static int opened, idle_first, idle_count, idle[CONNECTIONS_MAX];
static char *request;
static size_t request_length;
static int port, epoll;
static int64_t start, interval, total, next, completed, failed;
static int64_t *latency, *lateness;

static int64_t due(int64_t i) { return start + i * interval; }

static void idle_push(int c) { idle[(idle_first + idle_count++) % CONNECTIONS_MAX] = c; }

static int idle_shift(void) {
  int c = idle[idle_first];
  idle_first = (idle_first + 1) % CONNECTIONS_MAX;
  idle_count--;
  return c;
}

static bool connection_open(int c) {
  connections[c].fd = connect_to(port);
  connections[c].request = -1;
  if (connections[c].fd < 0) return false;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = (uint32_t)c};
  epoll_ctl(epoll, EPOLL_CTL_ADD, connections[c].fd, &event);
  return true;
}

static void settle(int c, bool ok) {
  struct connection *connection = &connections[c];
  if (connection->request >= 0) {
    latency[connection->request] = now_ns() - due(connection->request);
    if (ok) completed++;
    else failed++;
    connection->request = -1;
    idle_push(c);
  }
}

/* A lost connection fails its request; an idle one is simply replaced. */
static void connection_lost(int c) {
  close(connections[c].fd);
  int64_t was = connections[c].request;
  settle(c, false);
  if (!connection_open(c) && was < 0) exit(1);
}

static void connection_write(int c) {
  struct connection *connection = &connections[c];
  while (connection->request >= 0 && connection->sent < request_length) {
    ssize_t n = write(connection->fd, request + connection->sent, request_length - connection->sent);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      connection_lost(c);
      return;
    }
    connection->sent += (size_t)n;
  }
}

static void connection_read(int c) {
  struct connection *connection = &connections[c];
  static char buffer[65536];
  for (;;) {
    ssize_t n = read(connection->fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      connection_lost(c);
      return;
    }
    response_feed(&connection->response, buffer, (size_t)n, NULL, NULL);
    if (connection->response.state == BROKEN) {
      connection_lost(c);
      return;
    }
    if (connection->response.state == DONE) settle(c, connection->response.status == 200);
    if (n < (ssize_t)sizeof buffer) return;
  }
}

static void send_due(void) {
  int64_t now = now_ns();
  while (next < total && due(next) <= now) {
    if (idle_count == 0) {
      if (opened == CONNECTIONS_MAX || !connection_open(opened)) return;
      idle_push(opened++);
    }
    int c = idle_shift();
    struct connection *connection = &connections[c];
    connection->request = next;
    connection->sent = 0;
    response_reset(&connection->response);
    lateness[next] = now_ns() - due(next);
    next++;
    connection_write(c);
  }
}

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "usage: open-loop PORT RATE SECONDS CONNECTIONS REQUEST_FILE\n");
    return 2;
  }
  port = atoi(arguments[1]);
  double rate = atof(arguments[2]);
  total = (int64_t)(rate * atof(arguments[3]));
  int wanted = atoi(arguments[4]);
  request = read_whole(arguments[5], &request_length);
  interval = (int64_t)(1e9 / rate);
  latency = calloc((size_t)total, sizeof *latency);
  lateness = calloc((size_t)total, sizeof *lateness);
  raise_file_limit();
  prctl(PR_SET_TIMERSLACK, 1UL);
  epoll = epoll_create1(0);
  for (opened = 0; opened < wanted; opened++) {
    if (!connection_open(opened)) {
      perror("connect");
      return 1;
    }
    idle_push(opened);
  }
  int64_t cpu_before = cpu_ns();
  start = now_ns() + interval;
  /* It ticks when calls are due: a tick a moment before would have each call wait for the next one. */
  int timer = ticker_from(start, interval);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  int64_t deadline = due(total) + DRAIN_NS;
  while (completed + failed < total && now_ns() < deadline) {
    struct epoll_event events[256];
    int n = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < n; i++) {
      uint32_t c = events[i].data.u32;
      if (c == UINT32_MAX) {
        uint64_t ticks;
        if (read(timer, &ticks, sizeof ticks) < 0) continue;
      } else {
        if (events[i].events & EPOLLIN) connection_read((int)c);
        if (events[i].events & EPOLLOUT) connection_write((int)c);
      }
    }
    send_due();
  }
  int64_t now = now_ns();
  double cpu_us = (double)(cpu_ns() - cpu_before) / 1000.0;
  int64_t unfinished = total - completed - failed;
  /* What was still open, or not even sent, took at least until now. */
  for (int64_t i = 0; i < total; i++)
    if (latency[i] == 0) latency[i] = now - due(i);
  qsort(latency, (size_t)total, sizeof *latency, compare_int64);
  qsort(lateness, (size_t)next, sizeof *lateness, compare_int64);
  printf("{\"requests\":%lld,\"completed\":%lld,\"failed\":%lld,\"unfinished\":%lld,\"connections\":%d,"
         "\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f,"
         "\"sendLateP50\":%.1f,\"sendLateP99\":%.1f,\"clientCpuPerRequest\":%.1f}\n",
         (long long)total, (long long)completed, (long long)failed, (long long)unfinished, opened,
         quantile_us(latency, total, 0.5), quantile_us(latency, total, 0.9), quantile_us(latency, total, 0.99),
         quantile_us(latency, total, 0.999), quantile_us(latency, total, 1), quantile_us(lateness, next, 0.5),
         quantile_us(lateness, next, 0.99), cpu_us / (double)total);
  return 0;
}
