#include "asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void choose(char* names, struct asked* asked) {
  for (char* name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
    bool found = false;
    for (int i = 0; i < known_calls; ++i) {
      if (strcmp(known[i].name, name) != 0) continue;
      asked->chosen[i] = true;
      found = true;
    }
    if (!found) {
      fprintf(stderr, "tracer: no call is named %s\n", name);
      exit(2);
    }
  }
}

// Returns whether it is an option that stands alone.
static bool read_flag(const char* option, struct asked* asked) {
  const struct {
    const char* name;
    enum action action;
  } actions[] = {{"--short", action_short}, {"--kill", action_kill}, {"--tear", action_tear}};
  for (int i = 0; i < 3; ++i) {
    if (strcmp(option, actions[i].name) != 0) continue;
    asked->action = actions[i].action;
    return true;
  }
  if (strcmp(option, "--lasts") == 0) return asked->lasts = true;
  if (strcmp(option, "--creating") == 0) return asked->creating = true;
  if (strcmp(option, "--files") == 0) return asked->files = true;
  return false;
}

// Returns whether it is an option that has a value.
static bool read_value(const char* option, char* value, struct asked* asked) {
  if (strcmp(option, "--calls") == 0) {
    choose(value, asked);
  } else if (strcmp(option, "--at") == 0) {
    asked->at = strtoull(value, NULL, 10);
  } else if (strcmp(option, "--report") == 0) {
    asked->report_path = value;
  } else if (strcmp(option, "--error") == 0) {
    asked->action = action_error;
    asked->error_number = atoi(value);
  } else {
    return false;
  }
  return true;
}

char** read_options(int argc, char** argv, struct asked* asked) {
  int i = 1;
  while (i < argc && strcmp(argv[i], "--") != 0) {
    if (read_flag(argv[i], asked)) {
      i += 1;
    } else if (i + 1 < argc && read_value(argv[i], argv[i + 1], asked)) {
      i += 2;
    } else {
      break;
    }
  }
  if (i + 1 >= argc || strcmp(argv[i], "--") != 0 || asked->report_path == NULL) {
    fprintf(stderr, "usage: see the head of tracer.c\n");
    exit(2);
  }
  return argv + i + 1;
}
