"""Mutants that change nothing that matters, each with the reason."""

SAME_AT_THE_BOUNDARY = "both sides are the same where the two are equal"
NO_NUMBER = "0 / 0 is no number, which max and min pass over"

EQUIVALENT = {
    "bounds/code_bound.hpp upper_in: dot >= 0 -> (dot > 0)": "the product 0 has no scale: both give 0",
    "bounds/norm_limit.hpp least_norm: reach > 0.0 -> (reach >= 0.0)": SAME_AT_THE_BOUNDARY,
    "bounds/prepared_queries.cpp scored_of: -std::numeric_limits<double>::infinity() -> (std::numeric_limits<double>::infinity())":
        "never reached: every ranking has returned",
    "bounds/query_codes.cpp : 1.0 + 0x1p-8 -> (1.0 + (0x1p-8) / 2)": "the step of a search for codes that fit: any that grows finds them",
    "bounds/query_codes.cpp : 0x1p-8 -> (0x1p-8 / 2)": "the same",
    "bounds/query_codes.cpp encode: wanted < 0.0 -> (wanted <= 0.0)": "half a step from 0 is cut to 0 on either side",
    "bounds/query_codes.cpp prepare_one: whole > low -> (whole >= low)": "nothing is copied then",
    "kernels/code_limits.hpp code_limits: tile.scale > kTiny -> (tile.scale >= kTiny)": SAME_AT_THE_BOUNDARY,
    "kernels/code_limits.hpp code_limits: limit < kMaxCodeLimit -> (limit <= kMaxCodeLimit)": SAME_AT_THE_BOUNDARY,
    "kernels/code_limits.hpp code_limits: limit > -kMaxCodeLimit -> (limit >= -kMaxCodeLimit)": SAME_AT_THE_BOUNDARY,
    "store/quantize.cpp raise: scale > 0.0 -> (scale >= 0.0)": "an error divided by 0 is infinite, and " + NO_NUMBER,
    "store/quantize.cpp quantize_tile: norm > 0.0 -> (norm >= 0.0)": NO_NUMBER,
}
