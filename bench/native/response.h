/* Reads one HTTP/1.1 response at a time, however TCP cut it; hands out the decoded body. */
#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum response_state { IN_HEAD, IN_SIZED, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER, UNTIL_CLOSE, DONE, BROKEN };

#define HEAD_MAX 8192

struct response {
  enum response_state state;
  int status;
  long remaining;
  int trailer_length;
  size_t head_length;
  char head[HEAD_MAX];
};

typedef void (*body_reader)(void *context, const char *bytes, size_t length);

static inline void response_reset(struct response *r) {
  r->state = IN_HEAD;
  r->status = 0;
  r->remaining = 0;
  r->trailer_length = 0;
  r->head_length = 0;
}

/* The value of a header in a complete, NUL-terminated head, or NULL. `name` is `\nName:`. */
static inline const char *header_value(const char *head, const char *name) {
  const char *found = strcasestr(head, name);
  if (found == NULL) return NULL;
  found += strlen(name);
  while (*found == ' ') found++;
  return found;
}

static inline void response_head_complete(struct response *r) {
  r->head[r->head_length] = 0;
  r->status = r->head_length > 12 ? atoi(r->head + 9) : 0;
  const char *coding = header_value(r->head, "\nTransfer-Encoding:");
  const char *sized = header_value(r->head, "\nContent-Length:");
  if (r->status >= 100 && r->status < 200) {
    response_reset(r);
  } else if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0) {
    r->state = IN_CHUNK_SIZE;
  } else if (sized != NULL) {
    r->remaining = atol(sized);
    r->state = r->remaining > 0 ? IN_SIZED : DONE;
  } else {
    r->state = UNTIL_CLOSE;
  }
}

/* Consumes up to `length` bytes and returns how many; stops early once the response is DONE or BROKEN. */
static inline size_t response_feed(struct response *r, const char *bytes, size_t length, body_reader read, void *context) {
  size_t i = 0;
  while (i < length && r->state != DONE && r->state != BROKEN) {
    size_t left = length - i;
    switch (r->state) {
      case IN_HEAD: {
        char c = bytes[i++];
        if (r->head_length == HEAD_MAX - 1) {
          r->state = BROKEN;
          break;
        }
        r->head[r->head_length++] = c;
        if (c == '\n' && r->head_length >= 4 && memcmp(r->head + r->head_length - 4, "\r\n\r\n", 4) == 0)
          response_head_complete(r);
        break;
      }
      case IN_SIZED:
      case IN_CHUNK: {
        size_t take = left < (size_t)r->remaining ? left : (size_t)r->remaining;
        if (read != NULL) read(context, bytes + i, take);
        i += take;
        r->remaining -= (long)take;
        if (r->remaining == 0) r->state = r->state == IN_SIZED ? DONE : IN_CHUNK_END;
        break;
      }
      case IN_CHUNK_SIZE: {
        char c = bytes[i++];
        if (c >= '0' && c <= '9') r->remaining = r->remaining * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f') r->remaining = r->remaining * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') r->remaining = r->remaining * 16 + (c - 'A' + 10);
        else if (c == '\n') r->state = r->remaining == 0 ? IN_TRAILER : IN_CHUNK;
        else if (c != '\r') r->state = BROKEN;
        break;
      }
      case IN_CHUNK_END:
        if (bytes[i++] == '\n') r->state = IN_CHUNK_SIZE;
        break;
      case IN_TRAILER: {
        char c = bytes[i++];
        if (c == '\n') {
          if (r->trailer_length == 0) r->state = DONE;
          r->trailer_length = 0;
        } else if (c != '\r') {
          r->trailer_length++;
        }
        break;
      }
      case UNTIL_CLOSE:
        if (read != NULL) read(context, bytes + i, left);
        i = length;
        break;
      default:
        break;
    }
  }
  return i;
}

#endif
