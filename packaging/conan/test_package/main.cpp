// Finds the best of three items.
#include <maxdot/maxdot.hpp>

int main() {
  const float rows[] = {1, 0, 0, 1, 3, 3};
  const auto index =
      maxdot::Index::build(maxdot::MatrixView::f32(rows, 3, 2), {.metric = maxdot::Metric::dot});
  return index.search(maxdot::MatrixView::f32(rows, 1, 2), 1).ids[0] == 2 ? 0 : 1;
}
