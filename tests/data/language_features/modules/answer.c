#include <stdio.h>
int main(int count, char **words) {
    FILE *given = fopen(words[1], "r");
    printf("{\"changed\": false, \"opened\": %s}\n", given && count == 2 ? "true" : "false");
    return 0;
}
