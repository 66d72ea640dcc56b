// maxdot: the exact top-k items for embeddings, fast. Include this.
#pragma once

#include "maxdot/error.hpp"
#include "maxdot/evaluate.hpp"
#include "maxdot/index.hpp"
#include "maxdot/io.hpp"
#include "maxdot/matrix.hpp"
#include "maxdot/merge.hpp"
#include "maxdot/objective.hpp"
#include "maxdot/stop.hpp"
#include "maxdot/types.hpp"
#include "maxdot/workspace.hpp"
