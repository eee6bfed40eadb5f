// SPDX-License-Identifier: MIT
// Runs the tests of one host test program; a program without tests has failed.
#include <gtest/gtest.h>

int main(int argument_count, char** arguments) {
    testing::InitGoogleTest(&argument_count, arguments);
    if (testing::UnitTest::GetInstance()->total_test_count() == 0) return 1;
    return RUN_ALL_TESTS();
}
