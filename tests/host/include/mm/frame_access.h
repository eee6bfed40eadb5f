// SPDX-License-Identifier: MIT
// On the host a test defines frame_record(), frame_address(), frame_release() and frame_return() over an
// array of its own.
#pragma once

namespace mm {

void frame_return(Frame& frame);

inline bool frame_release_last(Frame& frame) { return frame.references.fetch_sub(1, std::memory_order_acq_rel) == 1; }

}
