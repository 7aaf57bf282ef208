// Precompiled for every test: what the product's files have, and GoogleTest.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "product.h"
