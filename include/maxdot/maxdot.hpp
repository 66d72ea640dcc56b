// maxdot: the exact top-k items for embeddings, fast. Include this. (maxdot/evaluate.hpp and
// maxdot/objective.hpp measure and train models; they have a library of their own,
// maxdot::evaluate.)
#pragma once

#include "maxdot/batcher.hpp"
#include "maxdot/error.hpp"
#include "maxdot/id_lists.hpp"
#include "maxdot/index.hpp"
#include "maxdot/index_writer.hpp"
#include "maxdot/io.hpp"
#include "maxdot/live_index.hpp"
#include "maxdot/machine.hpp"
#include "maxdot/matrix.hpp"
#include "maxdot/merge.hpp"
#include "maxdot/stop.hpp"
#include "maxdot/types.hpp"
#include "maxdot/workspace.hpp"
