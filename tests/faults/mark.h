// The first argument of a prctl that means nothing to the system: calls count from there.
#pragma once

#define FAULTS_MARK 0x6d617864L
