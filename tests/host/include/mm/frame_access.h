// SPDX-License-Identifier: MIT
// On the host a test defines frame_record(), frame_address() and frame_release() over an
// array of its own.
#pragma once
