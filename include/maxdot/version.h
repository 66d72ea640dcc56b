/* The version of these headers, for C and C++. */
#ifndef MAXDOT_VERSION_H
#define MAXDOT_VERSION_H

#define MAXDOT_VERSION_MAJOR 0
#define MAXDOT_VERSION_MINOR 1
#define MAXDOT_VERSION_PATCH 0

#endif
