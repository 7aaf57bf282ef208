# The worst advisers there are over the traces: adviser_bench TRACE.csv... [--engine URL]
add_executable(adviser_bench adviser_bench.cc)
target_include_directories(adviser_bench PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(adviser_bench PRIVATE docktor_llm docktor_sim docktor_policy)
